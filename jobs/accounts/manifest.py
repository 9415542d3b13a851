"""Manifest files: accounts and websites that no web server names.

Each account is one TOML file in the instance's `sites.d/`, written by hand or by `autossl account add`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomli_w

from jobs import ports, privileged
from jobs.policy.claims import Claim, Settled, printable, read_names, settle
from jobs.policy.contact import mail_address
from jobs.policy.failure import Failure
from jobs.policy.site import Account, InvalidName, Website, account_name

FOLDER = "sites.d"
_KEYS = {"account": str, "contact": str, "package": str, "reseller": str, "websites": list}
_SITE_KEYS = {"names": list, "docroot": str}


@dataclass(frozen=True)
class Options:
    """Where the files are, when it is not the instance's own folder."""

    folder: str = field(
        default="", metadata={"label": "Folder", "help": "Of the TOML files; empty means sites.d of the installation."}
    )


@dataclass(frozen=True)
class Manifest:
    """One file: the account and its websites. `source` of the websites is not set here."""

    account: Account
    websites: tuple[Website, ...]


class Source(ports.AccountSource):
    """One instance lives for one discovery. Raises Failure("manifest_invalid") that names every file at fault."""

    name = "manifest"
    needs_root = False

    def __init__(self, options: Options, place: ports.Place) -> None:
        self._folder = Path(options.folder) if options.folder else place.instance / FOLDER
        self._manifests: tuple[Manifest, ...] | None = None
        self._settled: Settled | None = None

    def present(self) -> bool:
        return self._folder.is_dir()

    def accounts(self) -> Sequence[Account]:
        return [manifest.account for manifest in self._read()]

    def websites(self) -> Sequence[Website]:
        return self._found().websites

    def remarks(self) -> Sequence[str]:
        """Sentences about websites without a valid name, and names that two files claim."""
        return self._found().remarks

    def _found(self) -> Settled:
        if self._settled is None:
            claims = [Claim(website) for manifest in self._read() for website in manifest.websites]
            self._settled = settle(claims)
        return self._settled

    def _read(self) -> tuple[Manifest, ...]:
        if self._manifests is None:
            self._manifests = _read_all(self._folder)
        return self._manifests


def manifest_path(place: ports.Place, account: str) -> Path:
    """The file that `account add` writes. Raises Failure("name_invalid")."""
    try:
        return place.instance / FOLDER / f"{account_name(account)}.toml"
    except InvalidName as error:
        raise Failure("name_invalid", f"{account!r}: {error}", permanent=True) from error


def manifest_text(manifest: Manifest) -> bytes:
    """The file of a manifest, as TOML."""
    account = manifest.account
    facts = {"account": account.name, "contact": account.contact, "package": account.package}
    facts["reseller"] = account.reseller
    websites = [
        {"names": list(site.names), **({"docroot": site.docroot} if site.docroot else {})} for site in manifest.websites
    ]
    return tomli_w.dumps({**{key: value for key, value in facts.items() if value}, "websites": websites}).encode()


def _read_all(folder: Path) -> tuple[Manifest, ...]:
    """Every file, in the order of their names. Two files for one account are a mistake of theirs."""
    found: dict[str, tuple[Manifest, Path]] = {}
    wrong: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            manifest = read_manifest(path)
        except Failure as failure:
            wrong.append(failure.detail)
            continue
        former = found.setdefault(manifest.account.name, (manifest, path))
        if former[1] != path:
            wrong.append(f"{path}: the account {manifest.account.name} stands in {former[1].name} already")
    if wrong:
        raise Failure("manifest_invalid", "; ".join(wrong), permanent=True)
    return tuple(manifest for manifest, _ in found.values())


def read_manifest(path: Path) -> Manifest:
    """One file. Raises Failure("manifest_invalid")."""
    content = privileged.read(path)
    try:
        raw = tomllib.loads((content or b"").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(f"{path}: expected TOML: {error}") from error
    _check(raw, _KEYS, str(path))
    try:
        name = account_name(raw.get("account", path.stem))
        contact = mail_address(raw["contact"]) if raw.get("contact") else None
        package = account_name(raw.get("package", "default"))
        reseller = account_name(raw["reseller"]) if raw.get("reseller") else None
    except InvalidName as error:
        raise _invalid(f"{path}: {error}") from error
    websites = tuple(
        _website(site, name, path, f"{path}: websites[{at}]") for at, site in enumerate(raw.get("websites", ()))
    )
    return Manifest(Account(name, contact, package, reseller), websites)


def _website(raw: Any, account: str, path: Path, where: str) -> Website:
    if not isinstance(raw, dict):
        raise _invalid(f"{where}: expected a table [[websites]], got {raw!r}")
    _check(raw, _SITE_KEYS, where)
    texts = raw.get("names", [])
    if not texts or not all(isinstance(text, str) for text in texts):
        raise _invalid(f"{where}.names: expected a list of at least one host name, got {printable(str(texts))}")
    docroot = raw.get("docroot")
    if docroot is not None and not (docroot.startswith("/") and docroot.isprintable()):
        raise _invalid(f"{where}.docroot: expected an absolute path, got {printable(docroot)!r}")
    names, rejected = read_names(texts)
    return Website(account, names, docroot, Source.name, str(path), None, rejected)


def _check(raw: dict[str, Any], keys: Mapping[str, type], where: str) -> None:
    for key, value in raw.items():
        if key not in keys:
            raise _invalid(f"{where}: {printable(key)}: expected one of {', '.join(keys)}")
        if not isinstance(value, keys[key]):
            raise _invalid(f"{where}: {key}: expected {keys[key].__name__}, got {printable(repr(value))}")


def _invalid(words: str) -> Failure:
    return Failure("manifest_invalid", words, permanent=True)
