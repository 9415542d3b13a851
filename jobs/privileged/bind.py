"""The verbs `introspect` and `reload` for BIND: its configuration, its reading of a zone file, and rndc.

rndc's exit code tells little: `rndc reload ZONE` says "zone reload queued" and 0 for a file that can't be loaded. What
came of it is asked afterwards.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.privileged.files import read
from jobs.privileged.programs import Output, introspect

_DIRECTORIES = ("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin")
_PATIENCE = 300.0
"""Seconds for named-checkzone: a zone of a million records takes some ten of them on a small host."""

_LARGEST = 2**30
_SHOWN = 6


def named_configuration(path: Path) -> str:
    """named's configuration in its normalised form, includes followed and secrets blotted out.

    Warnings stand before it in the same output. What they are, a first call without `-p` tells.
    Raises Failure("config_broken_before"), Failure("program_missing") or Failure("program_timeout").
    """
    program = _program("named-checkconf")
    warnings = introspect([program, str(path)])
    answer = introspect([program, "-p", "-x", str(path)])
    if warnings.code != 0 or answer.code != 0:
        words = f"{path}: named-checkconf does not accept it; it says: {_words(warnings)}"
        raise Failure("config_broken_before", words)
    if not answer.text.startswith(warnings.text):
        words = f"{path}: what named-checkconf prints can't be told from its warnings: {_words(warnings)}"
        raise Failure("config_broken_before", words)
    return answer.text.removeprefix(warnings.text)


def zone_listing(zone: str, path: Path, content: bytes, directory: str, integrity: bool) -> str:
    """The records of a zone file by named's own reading, one a line (the style `full` of named-checkzone).

    A copy of `content` is read, as if it lay at `path`; `directory`: where the names of its $INCLUDE begin.
    `integrity`: with the check that names within the zone which NS, MX and SRV point to have addresses.
    Raises Failure("zone_check_failed") with named-checkzone's words.
    """
    with tempfile.TemporaryDirectory(prefix="autossl-zone-") as name:
        copy, result = Path(name) / "zone", Path(name) / "listing"
        copy.write_bytes(content)
        command = [_program("named-checkzone"), "-D", "-f", "text", "-F", "text", "-s", "full"]
        command += ["-i", "local" if integrity else "none", "-w", directory or "/", "-o", str(result)]
        answer = introspect([*command, zone or ".", str(copy)], timeout=_PATIENCE)
        if answer.code != 0:
            words = _words(answer).replace(str(copy), str(path))
            raise Failure("zone_check_failed", f"{zone or '.'}: named-checkzone says about {path}: {words}")
        return (read(result, _LARGEST) or b"").decode("utf-8", "replace")


def zone_status(zone: str, view: str | None, rndc_key: str = "") -> dict[str, str]:
    """What the running named says about a zone: "type", "serial", "dynamic", "frozen", "last loaded", and more.

    Raises Failure("zone_not_loaded"), Failure("dns_backend_no_control").
    """
    answer = _rndc(["zonestatus", *_which(zone, view)], rndc_key)
    if answer.code != 0:
        _refuse_no_control(answer)
        raise Failure("zone_not_loaded", f"{zone or '.'}: named has not loaded it; rndc says: {_words(answer)}")
    rows = (row.partition(": ") for row in answer.text.splitlines())
    return {name.strip(): value.strip() for name, colon, value in rows if colon}


def zone_reload(zone: str, view: str | None, rndc_key: str = "") -> None:
    """Ask for a zone's file to be read anew. That it was read is for the caller to see.

    Raises Failure("zone_reload_refused"), Failure("dns_backend_no_control").
    """
    answer = _rndc(["reload", *_which(zone, view)], rndc_key)
    if answer.code != 0:
        _refuse_no_control(answer)
        raise Failure("zone_reload_refused", f"{zone or '.'}: rndc reload: exit {answer.code}: {_words(answer)}")


def _rndc(words: list[str], rndc_key: str) -> Output:
    key = ["-k", rndc_key] if rndc_key else []
    return introspect([_program("rndc"), *key, *words])


def _which(zone: str, view: str | None) -> list[str]:
    return [zone or ".", "IN", view] if view is not None else [zone or "."]


def _refuse_no_control(answer: Output) -> None:
    """rndc's own trouble, as opposed to named's answer: those begin with what failed in quotes."""
    if "' failed: " not in answer.text or "permission denied" in answer.text:
        raise Failure("dns_backend_no_control", f"named can't be spoken to by rndc; it says: {_words(answer)}")


def _program(name: str) -> str:
    """Where the program is: distributions differ. Raises Failure("program_missing")."""
    for directory in _DIRECTORIES:
        path = Path(directory) / name
        if path.exists():
            return str(path)
    raise Failure("program_missing", f"{name}: not found in {', '.join(_DIRECTORIES)}", permanent=True)


def _words(answer: Output) -> str:
    rows = [row.strip() for row in answer.text.splitlines() if row.strip()]
    return " / ".join(rows[:_SHOWN]) or f"nothing (exit {answer.code})"
