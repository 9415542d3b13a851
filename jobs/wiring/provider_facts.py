"""A provider's row and specs as one JSON-able value, for the command line and the panel."""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Any

import models
from jobs import provider_pause
from jobs.policy.limits import Limit
from jobs.policy.specs import Look, Specs
from jobs.report import stamp
from jobs.wiring.instance import now


def facts(row: models.Provider, specs: Specs) -> dict[str, Any]:
    """Everything there is to know of a provider, its secrets excepted. `score` says what each star is for."""
    from jobs.policy.score import score

    stars = score(specs)
    return {
        "name": row.name,
        "plugin": row.plugin,
        "title": specs.title,
        "current": bool(row.current),
        "directory": specs.directory,
        "account": row.account_url,
        "terms_url": specs.terms_url,
        "terms_accepted": row.terms_accepted,
        "terms_seen": row.terms_seen,
        "terms_changed": terms_changed(row),
        "contact": row.contact,
        "eab_kid": row.eab_kid,
        "fallback": row.fallback,
        "paused": paused(row),
        "wildcard": specs.wildcard,
        "max_names": specs.max_names,
        "stars": stars.total,
        "score": list(stars.reasons),
        "parts": [dataclasses.asdict(part) for part in stars.parts],
        "specs": {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(dataclasses.replace(specs, limits=())).items()
        } | {"limits": [_limit(one) for one in specs.limits]},
    }


def paused(row: models.Provider) -> dict[str, Any] | None:
    """Until when it is left in peace, and why; None while it is asked."""
    pause = provider_pause.of(row, now())
    return None if pause is None else {"until": stamp(pause.until), "code": pause.code, "text": pause.text}


def _limit(limit: Limit) -> dict[str, Any]:
    """Times in seconds."""
    return {
        "counted": str(limit.counted),
        "published": limit.published,
        "period": int(limit.period.total_seconds()),
        "used": limit.capacity,
        "refill": int(limit.refill.total_seconds()),
    }


def terms_changed(row: models.Provider) -> bool:
    """Whether its account was made under other terms than the CA has now."""
    return row.account_url is not None and row.terms_seen is not None and row.terms_seen != row.terms_accepted


def seen(look: Look) -> dict[str, Any]:
    """What a CA says of itself; `private`: it answers from an address that the world does not reach."""
    return {
        "terms_url": look.terms_url,
        "eab_required": look.eab_required,
        "caa_identities": list(look.caa_identities),
        "profiles": list(look.profiles),
        "website": look.website,
        "address": look.address,
        "private": bool(look.address) and not ipaddress.ip_address(look.address.partition("%")[0]).is_global,
    }
