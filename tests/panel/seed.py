"""An installation in the middle of its life, as rows: accounts in every state, certificates, problems, a queue, runs.

Every test of a tab fills its pages from here. The same call makes the same rows; their times hang on the present one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import models
from jobs import queue, records
from jobs.policy.site import UNASSIGNED
from jobs.ports import Place
from jobs.runlog import RunLog
from jobs.wiring.instance import now

HOSTILE = "<script>alert(1)</script>\x1b[31m"
"""Stands where a CA, a name server or a configuration file put in a word."""

PROVIDER = "letsencrypt"
_ROWS = 500
"""A statement: SQLite takes at most 32766 values at once."""


def provider(current: bool = True) -> models.Provider:
    """A CA in use."""
    url = "https://acme-v02.api.letsencrypt.org/acme/acct/1729"
    return models.Provider.create(
        name=PROVIDER, plugin=PROVIDER, account_url=url, current=current, added_at=now() - timedelta(days=90)
    )


def account_name(number: int) -> str:
    return f"user{number:05}"


def main_name(number: int) -> str:
    return f"shop{number}.example.com"


def accounts(count: int, names: int = 3, first: int = 0) -> list[str]:
    """Accounts `user00000`... (from the number `first` on), each with one website of `names` names. By turns
    (number % 5): 0 all is well, 1 a name is missing, 2 expires soon, 3 nothing is covered and the website failed, 4 was
    never checked. Every seventh is suspended, every ninth has an override, every fourth is of the reseller `rita`."""
    moment = now()
    numbers = range(first, first + count)
    _insert(models.Account, [_account(number, names, moment) for number in numbers])
    _insert(models.Website, [_website(number, names, moment) for number in numbers])
    _insert(models.Certificate, [_certificate(number, names, moment) for number in numbers if number % 5 < 3])
    _insert(models.ServiceState, [row for number in numbers if number % 5 < 3 for row in _services(number, moment)])
    _insert(models.Problem, [row for number in numbers for row in _problems(number, moment)])
    return [account_name(number) for number in numbers]


def unassigned(count: int = 2) -> list[str]:
    """Websites whose owner no source can tell."""
    moment = now()
    models.Account.create(name=UNASSIGNED, source="apache", found_at=moment)
    mains = [f"lost{number}.example.org" for number in range(count)]
    common = {"account": UNASSIGNED, "source": "apache", "file": "/etc/apache2/sites-enabled/lost.conf",
              "found_at": moment, "docroot": None, "rejected": "[]"}
    _insert(models.Website, [
        {**common, "main": main, "names": json.dumps([main, f"www.{main}"]), "line": 3 + number}
        for number, main in enumerate(mains)
    ])
    return mains


def pending(count: int, names: int = 3) -> list[models.QueueEntry]:
    """Orders that wait at the CA, of the first accounts."""
    moment = now()
    rows = []
    for number in range(count):
        payload = {"names": names_of(number, names)}
        row = queue.request_order(main_name(number), account_name(number), PROVIDER, payload, moment)[0]
        queue.update(row, state="waiting", order_url=f"https://ca.example/order/{number}", polled_at=moment,
                     run_after=moment + timedelta(minutes=5), answer=f"processing {HOSTILE}")
        rows.append(row)
    return rows


def runs(place: Place, scopes: Sequence[str] = ("*", "user00000")) -> list[str]:
    """Runs that are over, with their logs, the oldest first; returns their starts."""
    starts = []
    for number, scope in enumerate(scopes):
        began = now() - timedelta(days=len(scopes) - number)
        log = RunLog(place.logs, began, now, None)
        account = account_name(0) if scope == "*" else scope
        log.say("info", f"checking {scope} with provider {PROVIDER}")
        log.say("success", "installed", account=account, website=main_name(0), code="installed")
        log.say("warn", f"the CA said: {HOSTILE}", account=account, website=main_name(0), name=main_name(0),
                code="dns_nxdomain", indent=1)
        log.say("error", "could not be ordered", account=account, website=main_name(1), code="ca_unreachable")
        log.close()
        row = records.start_run(log.start, scope, PROVIDER, began)
        records.finish_run(row, "failed" if number % 2 else "done", {"websites": 3, "failed": number % 2}, now())
        starts.append(log.start)
    return starts


def running(account: str | None = None) -> models.QueueEntry:
    """A check under way, of one account or of all."""
    moment = now()
    row, _ = queue.request_check(None if account is None else [account], True, moment)
    run = records.start_run(moment.isoformat(), account or "*", PROVIDER, moment)
    models.Run.update(done=3, total=12, current=account or account_name(3)).where(models.Run.id == run.id).execute()
    queue.update(row, state="running", answer=run.start, owner="host:1", heartbeat_at=moment)
    return row


def _account(number: int, names: int, moment: datetime) -> dict[str, Any]:
    turn = number % 5
    ends = {0: timedelta(days=60, hours=number % 200), 1: timedelta(days=45), 2: timedelta(days=4)}.get(turn)
    return {
        "name": account_name(number),
        "contact": f"{account_name(number)}@example.net" if number % 3 else None,
        "package": "default",
        "reseller": "rita" if number % 4 == 0 else None,
        "state": "suspended" if number % 7 == 6 else "active",
        "source": "apache",
        "override": (None if number % 9 else ("enabled", "disabled")[number % 2]),
        "found_at": moment,
        "wanted": None if turn == 4 else names,
        "covered": {0: names, 1: names - 1, 2: names, 3: 0}.get(turn),
        "problems": {0: 0, 1: 1, 2: 0, 3: 2}.get(turn),
        "expires_at": None if ends is None else moment + ends,
        "near_at": None if ends is None else moment + ends - timedelta(days=7),
    }


def names_of(number: int, names: int) -> list[str]:
    main, labels = main_name(number), ("www", "mail", *(f"sub{more}" for more in range(names)))
    return [main, *(f"{label}.{main}" for label in labels[: names - 1])]


def _website(number: int, names: int, moment: datetime) -> dict[str, Any]:
    rejected = [[f"bad_{HOSTILE}", "the part 'bad_' is not made of letters, digits and inner hyphens"]]
    return {
        "account": account_name(number),
        "main": main_name(number),
        "names": json.dumps(names_of(number, names)),
        "rejected": json.dumps(rejected if number == 3 else []),
        "docroot": f"/home/{account_name(number)}/htdocs",
        "source": "apache",
        "file": f"/etc/apache2/sites-enabled/{account_name(number)}.conf",
        "line": 1 + number % 40,
        "found_at": moment,
    }


def _certificate(number: int, names: int, moment: datetime) -> dict[str, Any]:
    covered = names_of(number, names)[: -1 if number % 5 == 1 else None]
    ends = moment + {0: timedelta(days=60, hours=number % 200), 1: timedelta(days=45), 2: timedelta(days=4)}[number % 5]
    return {
        "website": main_name(number),
        "serial": f"{number:036x}",
        "fingerprint": hashlib.sha256(str(number).encode()).hexdigest(),
        "names": json.dumps(covered),
        "issuer": "CN=R11,O=Let's Encrypt,C=US",
        "provider": PROVIDER,
        "not_before": ends - timedelta(days=90),
        "not_after": ends,
        "due_at": ends - timedelta(days=30),
        "stored_at": ends - timedelta(days=90),
    }


def _services(number: int, moment: datetime) -> list[dict[str, Any]]:
    """Of a website: the web is fine, the mail server of every third kind fails."""
    fingerprint = hashlib.sha256(str(number).encode()).hexdigest()
    common = {"website": main_name(number), "checked_at": moment, "retry_at": None}
    failed = number % 5 == 2
    return [
        {**common, "service": "apache", "state": "installed", "text": "2 handshakes", "fingerprint": fingerprint,
         "attempts": 0},
        {**common, "service": "dovecot", "state": "failed" if failed else "installed",
         "text": f"port 993: another certificate is served {HOSTILE}" if failed else "1 handshake",
         "fingerprint": None if failed else fingerprint, "attempts": int(failed)},
    ]


def _problems(number: int, moment: datetime) -> list[dict[str, Any]]:
    main = main_name(number)
    common = {"website": main, "since": moment - timedelta(days=2), "seen_at": moment, "attempts": 2,
              "retry_at": moment + timedelta(hours=3)}
    if number % 5 == 1:
        return [{**common, "name": names_of(number, 2)[-1], "code": "dns_nxdomain", "text": f"no such name {HOSTILE}"}]
    if number % 5 == 3:
        return [
            {**common, "name": "", "code": "all_names_failed", "text": "no name passed, nothing was ordered"},
            {**common, "name": main, "code": "http_wrong_content", "text": f"another server answered {HOSTILE}"},
        ]
    return []


def _insert(table: Any, rows: list[dict[str, Any]]) -> None:
    with models.database.atomic():
        for start in range(0, len(rows), _ROWS):
            table.insert_many(rows[start : start + _ROWS]).execute()
