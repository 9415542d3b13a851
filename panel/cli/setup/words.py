"""What the set-up says."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.wiring.first_minutes.ending import Ending
from jobs.wiring.first_minutes.found import Found, FoundClient
from jobs.wiring.first_minutes.provider import Known
from jobs.wiring.first_minutes.standing import Standing
from panel.cli.output import count, plain, table

BEGIN = "Setting up AutoSSL on this host. Enter takes what stands in [brackets]; Ctrl-C stops, with nothing half done."

FIRST_CHOICE = """\
Where shall certificates come from?
  1  Let's Encrypt staging: to try everything first. Browsers don't trust these certificates, and they use up none of
     the real CA's limits. Recommended.
  2  Let's Encrypt
  3  another CA
  4  none for now"""

_KNOWN = "Apache, NGINX, Dovecot, Exim, Postfix"


def found(what: Found) -> str:
    """The services with their websites; others who renew certificates; what could not be read."""
    shown = [f"{one.title}{_websites(one.websites)}" for one in what.services]
    if shown:
        lines = [f"Found on this host: {', '.join(shown)}; {count(what.accounts, 'account')}."]
    else:
        lines = [f"Found on this host: none of the services that are known here ({_KNOWN})."]
    lines += [_client(one) for one in what.clients]
    lines += [f"Could not be read: {plain(trouble)}" for trouble in what.troubles]
    return "\n".join(lines)


def _client(one: FoundClient) -> str:
    if not one.certificates:
        return f"{one.name} is here too ({plain(one.sign)})."
    take = f"; to take them over: autossl import {one.name}" if one.importable else ""
    kept = count(one.certificates, "certificate")
    return f"{one.name} is here too ({plain(one.sign)}), and renews {kept}, which AutoSSL leaves alone{take}."


def _websites(number: int | None) -> str:
    return "" if number is None else f" ({count(number, 'website') if number else 'no websites'})"


def planned(plan: dict[str, Any], made: bool, directory: Path) -> str:
    """What would be written where."""
    parts = []
    if plan["changes"]:
        parts += ["To be written once, so that CAs' questions are answered and services are ready for certificates:",
                  changes(plan)]
    elif not plan["failed"]:
        parts.append("The services need nothing written now.")
    if plan["failed"]:
        parts += ["To be left as it is:", failures(plan)]
    if not made:
        parts.append(f"To be made: {directory}, with everything that belongs to the panel (database, keys, logs).")
    if plan["changes"]:
        parts.append("`autossl setup --undo` puts each service's files back as they are now, byte for byte.")
    return "\n\n".join(parts)


def changes(result: dict[str, Any]) -> str:
    rows = [(change["service"], change["action"], change["path"]) for change in result["changes"]]
    return table(("service", "action", "path"), rows)


def failures(result: dict[str, Any]) -> str:
    return table(("service", "failed"), [(one["service"], one["text"]) for one in result["failed"]])


def differences(result: dict[str, Any]) -> list[str]:
    """Every line that would change, one text a file."""
    return [
        "\n".join(plain(line) for line in (f"{one['service']}: {one['path']}", *one["diff"].splitlines()))
        for one in result["changes"] if one["diff"]
    ]


def services(result: dict[str, Any], undo: bool, plan: bool) -> str:
    """The whole of what became of the services' files, or would."""
    parts = [changes(result)] if result["changes"] else []
    if plan:
        parts += differences(result)
    if result["failed"]:
        parts.append(failures(result))
    done, number = "taken back" if undo else "changed", len(result["changes"])
    if plan:
        parts.append(f"{count(number, 'file')} would be {done}. Nothing was changed.")
    elif number:
        parts.append(f"{count(number, 'file')} {done}.")
    elif not result["failed"]:
        parts.append("Nothing to take back." if undo else "Everything is set up; nothing was changed.")
    if undo and result["still_on"]:
        parts.append("AutoSSL is still on: the next check installs certificates again. To leave it off, first:"
                     " autossl provider disable")
    return "\n\n".join(parts)


def written(result: dict[str, Any]) -> str:
    """In short, for somebody who has seen the plan."""
    parts = [failures(result)] if result["failed"] else []
    parts.append(f"Written: {count(len(result['changes']), 'file')}." if result["changes"] else "Nothing was written.")
    return "\n\n".join(parts)


def choices(known: Sequence[Known]) -> str:
    rows = [
        (number, one.title, "browsers don't trust it" if one.test else "wants an account at the CA first (EAB)"
         if one.eab_required else "")
        for number, one in enumerate(known, 1)
    ]
    return table(("", "CA", ""), rows)


def doctor(result: dict[str, Any], serving: bool) -> str:
    """Only what is not fine, and what to do. That no server runs is told with the panel's address."""
    checks = [check for check in result["checks"] if serving or check["check"] != "next_run"]
    results = [one for check in checks for one in check["results"]]
    odd = [one for one in results if one["state"] in ("wrong", "warning")]
    fine = sum(one["state"] == "fine" for one in results)
    if not odd:
        return f"The doctor looked at {count(fine, 'thing')}: all is fine."
    lines = [f"The doctor found {count(fine, 'thing')} fine, and this (`autossl doctor` tells more):"]
    for one in odd:
        lines.append(f"  {one['state']:>7}  {plain(one['subject'])}: {plain(one['text'])}")
        lines += [f"           {plain(one['remedy'])}"] if one["remedy"] else []
    return "\n".join(lines)


def last(ending: Ending, administrator: str, link: str, link_until: str) -> str:
    """Where the panel is, and how to get in."""
    lines = [f"The panel: {ending.address}"]
    if not ending.serving:
        lines.append(f"  It is not running yet; before it does, nothing happens by itself. To start it: {ending.start}")
    lines.append(f"Administrator: {plain(administrator)}")
    if link:
        lines += ["  Choose the password by this link, which is valid once and for 24 hours:", f"  {link}"]
    elif link_until:
        lines.append(f"  The link that was given out for the password holds until {link_until}. Another one:"
                     f" autossl admin reset-password {plain(administrator)} --link")
    return "\n".join(lines)


def following(directory: Path, provider: str, test: bool) -> str:
    """The next commands. `provider` empty: none is in use."""
    program = _program(directory)
    steps = []
    if not provider:
        steps.append(("provider use letsencrypt_staging --accept-terms", "take certificates from a CA; others: `autossl"
                      " provider list`"))
    steps += [
        ("check --all --plan", "shows what would be ordered, and why; orders nothing"),
        ("check --all", "orders, installs, and proves what every service presents"),
    ]
    if test:
        what = "once that went well: certificates that browsers trust, from the next check on"
        steps.append(("provider use letsencrypt --accept-terms", what))
    return "\n".join(["Next:", *(f"  {program} {words}\n      {what}" for words, what in steps)])


def also(standing: Standing, administrator: str | None, hostname: str, provider: str, directory: Path) -> str:
    """What a set-up would do beside the services' files."""
    lines = [] if standing.made else [f"make the installation {directory}"]
    lines += [f"make the administrator {administrator}"] if administrator else []
    lines += [f"have the panel opened as {hostname}"] if hostname else []
    lines += [f"take certificates from {provider}, once its terms are accepted"] if provider else []
    return "\n".join(["It would also:", *(f"- {line}" for line in lines)]) if lines else ""


def stopped(done: Sequence[str]) -> str:
    if not done:
        return "Nothing was set up."
    return f"Done before that, and kept: {', '.join(done)}. `autossl setup` goes on from there."


def _program(directory: Path) -> str:
    """As it has to be typed for this installation."""
    told = os.environ.get("AUTOSSL_INSTANCE", "")
    known = bool(told) and Path(told).absolute() == directory
    return "autossl" if known else f"autossl --instance {shlex.quote(str(directory))}"
