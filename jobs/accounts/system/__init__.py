"""What the sources of this package share: looking up the owner of a website, and turning blocks into websites."""

from __future__ import annotations

import pwd
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.policy.claims import Claim, read_names
from jobs.policy.ownership import FIRST_USER, OwnerFacts, owner
from jobs.policy.site import Account, Website

WEB_PORTS = frozenset({80, 443})
_NUMERIC = re.compile(r"#?(\d{1,9})\Z")


@dataclass(frozen=True, slots=True)
class Block:
    """One vhost or server block, as a web server's configuration says it (nothing of it is validated yet)."""

    names: tuple[str, ...]
    addresses: tuple[tuple[str, int], ...]
    docroot: str | None
    run_as: str | None
    tls: bool
    dav: bool
    file: str
    line: int


class Users:
    """passwd as it is now, read once: each question to it reads it from its first line on, and a host with ten thousand
    users asks as often. Whom it does not list, as a directory service may not, is asked for."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        for entry in pwd.getpwall():
            self._names.setdefault(entry.pw_uid, entry.pw_name)
        self._known = set(self._names.values())

    def name_of(self, uid: int | None) -> str | None:
        if uid is None:
            return None
        if uid in self._names:
            return self._names[uid]
        try:
            return pwd.getpwuid(uid).pw_name
        except (KeyError, OverflowError):
            return None

    def existing(self, user: str | None) -> str | None:
        """The user's name in passwd; `#1001` is a uid (suexec)."""
        if not user:
            return None
        numeric = _NUMERIC.match(user)
        if numeric:
            return self.name_of(int(numeric[1]))
        if user in self._known:
            return user
        try:
            return pwd.getpwnam(user).pw_name
        except (KeyError, ValueError):
            return None


def claims(blocks: Iterable[Block], source: str) -> list[Claim]:
    """The blocks as claims on their names."""
    users = Users()
    return [_claim(block, source, users) for block in blocks]


def _claim(block: Block, source: str, users: Users) -> Claim:
    """A WebDAV block away from the web's ports only helps another website."""
    names, rejected = read_names(block.names)
    docroot = block.docroot if _usable(block.docroot) else None
    website = Website(_owner_of(docroot, block.run_as, users), names, docroot, source, block.file, block.line, rejected)
    return Claim(website, block.addresses, block.tls, only_helps(block))


def only_helps(block: Block) -> bool:
    """Whether it is a WebDAV block away from the web's ports."""
    return block.dav and not any(port in WEB_PORTS for _, port in block.addresses)


def accounts(websites: Sequence[Website]) -> tuple[Account, ...]:
    """The owners of these websites, each once."""
    return tuple(Account(name) for name in dict.fromkeys(website.account for website in websites))


def _owner_of(docroot: str | None, run_as: str | None, users: Users) -> str:
    """Look up what `owner` decides by: passwd, and who owns the directory."""
    uid = _uid_of(docroot) if docroot else None
    return owner(OwnerFacts(users.existing(run_as), docroot, uid, users.name_of(uid)))


def _uid_of(docroot: str) -> int | None:
    """Who owns the directory; None when it can't be looked at (it does not exist, say). A link that a person made on
    the way to it decides: else anybody could give his websites to the account whose directory he links to."""
    path = Path(docroot)
    try:
        for step in (*reversed(path.parents), path):
            facts = step.lstat()
            if stat.S_ISLNK(facts.st_mode) and facts.st_uid >= FIRST_USER:
                return facts.st_uid
        return path.stat().st_uid
    except OSError:
        return None


def _usable(docroot: str | None) -> bool:
    """An absolute path of printable signs; what else a configuration may hold (a variable, say) is no path."""
    return docroot is not None and docroot.startswith("/") and docroot.isprintable() and "$" not in docroot
