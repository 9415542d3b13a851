"""`autossl provider`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from panel.cli.eab import eab_flags, given_eab
from panel.cli.output import Answer, facts, table, yes
from panel.cli.session import Session, answering


@click.group("provider")
def command() -> None:
    """The CAs that certificates can come from."""


@command.command("list")
@answering
def listed(session: Session) -> Answer:
    """List the providers."""
    instance = session.instance()
    from jobs.wiring import providers

    found = providers.list_providers(instance)
    rows = [
        ("*" if p["current"] else "", p["name"], p["title"], p["stars"], yes(p["wildcard"]), p["max_names"] or "-",
         yes(p["account"]))
        for p in found
    ]
    head = ("", "name", "title", "stars", "wildcard", "names", "registered")
    none = "" if any(p["current"] for p in found) else "\n\nAutoSSL is disabled: no provider is in use."
    return Answer({"providers": found}, table(head, rows) + none)


@command.command("show")
@click.argument("name")
@answering
def show(session: Session, name: str) -> Answer:
    """Show what a provider offers and how it is registered here."""
    instance = session.instance()
    from jobs.wiring import providers

    found = providers.show(instance, name)
    return Answer(found, _text(found))


@command.command("use")
@click.argument("name")
@click.option("--accept-terms", is_flag=True, help="The CA's terms of service were read and are accepted.")
@click.option("--contact", metavar="ADDRESS", help="Mail address for the CA. Default: check.contact of config.toml.")
@eab_flags
@answering
def use(
    session: Session, name: str, accept_terms: bool, contact: str | None, kid: str | None, hmac_file: Path | None
) -> Answer:
    """Take certificates from this provider; registers an account at the first use."""
    eab = given_eab(kid, hmac_file)
    instance = session.instance()
    from jobs.wiring import providers

    found = providers.use(instance, name, accept_terms, contact, eab)
    return Answer(found, f"AutoSSL uses {name} now.\n\n{_text(found)}")


@command.command("register")
@click.argument("name")
@click.option("--accept-terms", is_flag=True, help="The CA's terms of service were read and are accepted.")
@click.option("--contact", metavar="ADDRESS", help="Mail address for the CA. Default: check.contact of config.toml.")
@eab_flags
@answering
def register(
    session: Session, name: str, accept_terms: bool, contact: str | None, kid: str | None, hmac_file: Path | None
) -> Answer:
    """Make an account at a provider, for instance for a fallback; which one is in use stays."""
    eab = given_eab(kid, hmac_file)
    instance = session.instance()
    from jobs.wiring import providers

    found = providers.register(instance, name, accept_terms, contact, eab)
    return Answer(found, f"Registered at {name}.\n\n{_text(found)}")


@command.group("fallback")
def fallback() -> None:
    """The providers that stand behind the current one, in their order."""


@fallback.command("list")
@answering
def listed_fallbacks(session: Session) -> Answer:
    """List them."""
    session.instance()
    from jobs.wiring import providers

    return _fallbacks([row.name for row in providers.fallbacks()])


@fallback.command("set")
@click.argument("names", nargs=-1, metavar="NAME...")
@answering
def keep_fallbacks(session: Session, names: tuple[str, ...]) -> Answer:
    """Have these, in this order; without a name, none. Each must be registered first."""
    session.instance()
    from jobs.wiring import providers

    return _fallbacks(providers.keep_fallbacks(names))


@command.command("disable")
@answering
def disable(session: Session) -> Answer:
    """Use no provider: nothing is ordered any more. Accounts at CAs stay."""
    session.instance()
    from jobs.wiring import providers

    former = providers.disable()
    text = f"AutoSSL is disabled; it used {former}." if former else "AutoSSL was disabled already. Nothing was changed."
    return Answer({"disabled": True, "former": former}, text)


@command.command("add")
@click.argument("name")
@click.option("--directory", required=True, metavar="URL", help="ACME directory, https.")
@click.option("--ca-bundle", type=click.Path(dir_okay=False, path_type=Path), metavar="F",
              help="PEM certificates that the directory's own HTTPS is trusted by.")
@click.option("--caa", metavar="ISSUER", help="The CA's domain in CAA records.")
@eab_flags
@click.option("--wildcard/--no-wildcard", default=False, show_default=True, help="Whether it issues wildcards.")
@click.option("--ancestor-dcv/--no-ancestor-dcv", default=False, show_default=True,
              help="Whether it validates a name through a domain above it (RFC 9444).")
@click.option("--http-only", is_flag=True, help="It does not validate by DNS (dns-01), and so issues no wildcards.")
@click.option("--max-names", type=click.IntRange(1, 10000), metavar="N", help="Most names on one certificate.")
@click.option("--pace", type=click.IntRange(0, 1000), metavar="N", default=0, show_default=True,
              help="Orders begun in ten seconds; 0: as quickly as the CA answers.")
@answering
def add(session: Session, name: str, kid: str | None, hmac_file: Path | None, **options: Any) -> Answer:
    """Add any ACME CA. Its directory is fetched before anything is saved."""
    eab = given_eab(kid, hmac_file)
    instance = session.instance()
    from jobs.wiring import providers

    found = providers.add(instance, name, providers.Custom(**options), eab)
    follow = f"Take it into use: autossl provider use {name} --accept-terms"
    return Answer(found, f"Added the provider {name}.\n\n{_text(found)}\n\n{follow}")


@command.command("remove")
@click.argument("name")
@answering
def remove(session: Session, name: str) -> Answer:
    """Forget a provider that was added. The key of its account is kept aside."""
    instance = session.instance()
    from jobs.wiring import providers

    providers.remove(instance, name)
    return Answer({"removed": name}, f"Removed the provider {name}.")


@command.command("reset")
@click.argument("name")
@click.option("--accept-terms", is_flag=True, help="The CA's terms were read and are accepted, if they have changed.")
@click.option("--contact", metavar="ADDRESS", help="Mail address for the CA. Default: the one that it has already.")
@eab_flags
@answering
def reset(
    session: Session, name: str, accept_terms: bool, contact: str | None, kid: str | None, hmac_file: Path | None
) -> Answer:
    """Register anew at a provider: a new account with a new key."""
    eab = given_eab(kid, hmac_file)
    instance = session.instance()
    from jobs.wiring import providers

    found = providers.reset(instance, name, eab, accept_terms, contact)
    return Answer(found, f"Registered anew at {name}.\n\n{_text(found)}")


def _fallbacks(names: list[str]) -> Answer:
    text = "\n".join(f"{place}. {name}" for place, name in enumerate(names, 1))
    return Answer({"fallbacks": names}, text or "There is none: only the current provider is tried.")


def _text(found: dict[str, Any]) -> str:
    specs = found["specs"]
    weekly = {None: "unspecified", 0: "none"}.get(specs["weekly_limit"], specs["weekly_limit"])
    return facts([
        ("provider", f"{found['name']}: {found['title']}"),
        ("in use", yes(found["current"])),
        ("directory", found["directory"]),
        ("account", found["account"]),
        ("terms", found["terms_url"]),
        ("terms accepted", found["terms_accepted"]),
        ("contact", found["contact"]),
        *([("not asked before", f"{found['paused']['until']}: {found['paused']['text']}")] if found["paused"] else []),
        ("EAB", found["eab_kid"] or ("required" if specs["eab_required"] else "not required")),
        ("stars", f"{found['stars']} of 9: {'; '.join(found['score'])}"),
        ("DCV methods", ", ".join(specs["dcv_methods"])),
        ("names a certificate", specs["max_names"] or "unspecified"),
        ("wildcard", yes(specs["wildcard"])),
        ("validity", "unspecified" if specs["validity"] is None else f"{specs['validity']} days"),
        ("weekly limit", weekly),
        ("CAA", ", ".join(specs["caa_identities"])),
    ])
