"""What a person says about an ACME CA that we don't know, read strictly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from jobs.policy.failure import Failure
from jobs.policy.site import InvalidName, hostname
from jobs.ports import Eab

PLUGIN = "custom"
_NAME = re.compile(r"\A[a-z0-9][a-z0-9-]{0,31}\Z")
_HMAC = re.compile(r"\A[A-Za-z0-9_-]{16,1024}={0,2}\Z")
_KID = re.compile(r"\A[\x21-\x7e]{1,512}\Z")
MOST_NAMES = 10_000
QUICKEST = 1_000
_LARGEST_FILE = 1024 * 1024


@dataclass(frozen=True)
class Custom:
    """`max_names` None: as many as CAs usually take. `pace`: orders begun in ten seconds, 0 for no limit. The CA bundle
    as a file that stays where it is, or as PEM text."""

    directory: str
    ca_bundle: Path | None = None
    ca_pem: str | None = None
    caa: str | None = None
    wildcard: bool = False
    ancestor_dcv: bool = False
    http_only: bool = False
    max_names: int | None = None
    pace: int = 0


def checked_name(name: str) -> None:
    """A provider's name becomes a file name in `keys/`. Raises Failure("name_invalid")."""
    if not _NAME.match(name):
        words = f"{name!r}: expected a name of small letters, digits and '-', at most 32 characters"
        raise Failure("name_invalid", words, permanent=True)


def read_options(name: str, custom: Custom) -> dict[str, Any]:
    """The options of the plug-in `custom`. Raises Failure("directory_invalid", "name_invalid", "file_unreadable")."""
    options: dict[str, Any] = {
        "title": name,
        "directory": _https(custom.directory),
        "wildcard": custom.wildcard,
        "ancestor_dcv": custom.ancestor_dcv,
        "http_only": custom.http_only,
        "pace": custom.pace,
    }
    if custom.caa is not None:
        options["caa"] = _domain(custom.caa)
    if custom.ca_bundle is not None:
        options["ca_bundle"] = str(_bundle(custom.ca_bundle.absolute()))
    if custom.ca_pem:
        options["ca_pem"] = _certificates(custom.ca_pem)
    if custom.max_names is not None:
        options["max_names"] = custom.max_names
    return options


def faults(name: str, custom: Custom) -> dict[str, str]:
    """All that is wrong with what was typed, as a sentence by field; nothing is asked of the CA."""
    found = {}
    checks: tuple[tuple[str, Callable[[], object]], ...] = (
        ("name", lambda: checked_name(name)),
        ("directory", lambda: _https(custom.directory)),
        ("ca_pem", lambda: _certificates(custom.ca_pem or "") if custom.ca_pem else None),
        ("caa", lambda: _domain(custom.caa) if custom.caa is not None else None),
        ("max_names", lambda: _names(custom.max_names)),
        ("pace", lambda: _pace(custom.pace)),
    )
    for field, check in checks:
        try:
            check()
        except Failure as failure:
            found[field] = failure.detail
    return found


def read_eab(kid: str | None, hmac_file: Path | None) -> Eab | None:
    """The external account binding from its two parts. Raises Failure("eab_invalid"), Failure("file_unreadable")."""
    if kid is None and hmac_file is None:
        return None
    if kid is None or hmac_file is None:
        words = "an external account binding has two parts: expected both --eab-kid and --eab-hmac-file"
        raise Failure("eab_invalid", words, permanent=True)
    return _eab(kid, _read(hmac_file, "the HMAC key").decode("utf-8", "replace").strip(), str(hmac_file))


def typed_eab(kid: str | None, hmac: str | None) -> Eab | None:
    """The same from two texts. Raises Failure("eab_invalid"), whose words don't repeat the key."""
    if not kid and not hmac:
        return None
    if not kid or not hmac:
        words = "an external account binding has two parts: expected both the key id and the HMAC key"
        raise Failure("eab_invalid", words, permanent=True)
    return _eab(kid.strip(), hmac.strip(), "the HMAC key")


def _eab(kid: str, hmac: str, where: str) -> Eab:
    if not _HMAC.match(hmac):
        words = f"{where}: expected an HMAC key in base64url, at least 16 characters, and nothing else"
        raise Failure("eab_invalid", words, permanent=True)
    if not _KID.match(kid):
        raise Failure("eab_invalid", f"{kid!r}: expected a key id without spaces", permanent=True)
    return Eab(kid, hmac)


def _https(directory: str) -> str:
    try:
        parts = urlsplit(directory)
        port_fine = parts.port is None or parts.port > 0
    except ValueError as error:
        raise Failure("directory_invalid", f"{directory[:200]!r}: expected a URL: {error}", permanent=True) from error
    visible = directory.isascii() and directory.isprintable() and " " not in directory
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or not visible or not port_fine:
        words = f"{directory[:200]!r}: expected the https URL of an ACME directory, without a user name"
        raise Failure("directory_invalid", words, permanent=True)
    return directory


def _domain(text: str) -> str:
    try:
        return hostname(text)
    except InvalidName as error:
        words = f"{text!r}: expected the domain that the CA has in CAA records: {error}"
        raise Failure("name_invalid", words, permanent=True) from error


def _names(most: int | None) -> None:
    if most is not None and not 1 <= most <= MOST_NAMES:
        raise Failure("option_invalid", f"expected 1 to {MOST_NAMES} names, got {most}", permanent=True)


def _pace(orders: int) -> None:
    if not 0 <= orders <= QUICKEST:
        raise Failure("option_invalid", f"expected 0 to {QUICKEST} orders in ten seconds, got {orders}", permanent=True)


def holds_key(text: str) -> bool:
    """Whether somebody pasted more than certificates."""
    return "PRIVATE KEY" in text


def _certificates(text: str) -> str:
    """The certificates that stand in `text`, and nothing else of it."""
    if holds_key(text):
        words = "this holds a private key, which nobody wants here: paste the certificates only"
        raise Failure("ca_bundle_unreadable", words, permanent=True)
    try:
        found = x509.load_pem_x509_certificates(text.encode("utf-8"))
        return "".join(one.public_bytes(Encoding.PEM).decode("ascii") for one in found)
    except ValueError as error:
        words = "expected certificates in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
        raise Failure("ca_bundle_unreadable", words, permanent=True) from error


def _bundle(path: Path) -> Path:
    try:
        x509.load_pem_x509_certificates(_read(path, "the CA bundle"))
    except ValueError as error:
        raise Failure("file_unreadable", f"{path}: expected PEM certificates: {error}", permanent=True) from error
    return path


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE)
    except OSError as error:
        raise Failure("file_unreadable", f"{path}: reading {what}: {error.strerror}", permanent=True) from error
