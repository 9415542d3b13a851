"""The seams. Each Protocol's docstring is the contract; `tests/contracts` holds every plug-in to it.

A plug-in is one module: a docstring whose first line is its title in the panel, a frozen dataclass `Options`
(every field has a default and `metadata={"label": ..., "help": ..., "secret": ...}`), one class named after its port:
`Provider`, `Service`, `Source`, `Backend` or `Notifier`. Nothing else has to be touched: the registry scans.
Plug-ins keep no rows and render nothing: state comes in and goes out as the values defined here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from jobs.courses import Waits as Waits
from jobs.courses import finish as finish
from jobs.letter import Letter as Letter
from jobs.place import Place as Place
from jobs.policy.certificate import Bundle, Certificate
from jobs.policy.file_change import FileChange, SharedFile
from jobs.policy.site import Account, Website
from jobs.policy.specs import Look, Specs

# --- providers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AcmeAccount:
    """A registration at a CA: the account URL and the PEM of its key (RFC 8555 section 7.3)."""

    url: str
    key: bytes
    terms_url: str | None = None


@dataclass(frozen=True)
class Eab:
    """External account binding (RFC 8555 section 7.3.4). `hmac` is base64url, as the CA hands it out."""

    kid: str
    hmac: str


@dataclass(frozen=True)
class OrderRequest:
    """What is ordered: the names (A-labels, the first one first), the PEM of the new certificate key, for names
    validated by other means than http-01 the method, and for names validated through an ancestor domain that one
    (RFC 9444)."""

    names: tuple[str, ...]
    privkey: bytes
    replaces: str | None = None
    methods: dict[str, str] = field(default_factory=dict)
    ancestors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pending:
    """The CA has not finished: ask again at `order_url`, not before `retry_at` (aware, UTC)."""

    order_url: str
    retry_at: datetime
    answer: str


class Solver(Protocol):
    """Makes one kind of challenge answerable. `name`: the identifier, `*.` included."""

    def present(self, name: str, token: str, key_authorization: str) -> None:
        """Put the answer in its place. Idempotent. Raises Failure."""

    def settle(self, name: str, token: str) -> Waits[None]:
        """Wait until what `present` put there can be seen from outside (all authoritative servers agree). Begun once
        all answers of an order are put, so that waits overlap; `clean` may come before it has ended. Raises Failure."""

    def clean(self, name: str, token: str) -> None:
        """Take the answer away. Called in every outcome, also when `present` failed; never raises for what is gone."""


class Journal(Protocol):
    """Keeps what must survive a crash. Each call returns only when the fact is on disk."""

    def order_created(self, url: str) -> None:
        """Called right after newOrder answered, before any other request (behaviour section 5)."""


class Provider(Protocol):
    """A CA. Constructed as `Provider(options, account)`; `account` is None before the registration.

    Methods raise Failure: the CA's own type and detail are kept in `detail`, `retry_at` from Retry-After.
    An instance may be used from several threads at once; an order holds none while it waits (`jobs/courses.py`).
    """

    def specs(self) -> Specs:
        """Facts of the CA; from the table without network, refreshed from the directory once it was fetched."""

    def issue(self, request: OrderRequest, solvers: dict[str, Solver], journal: Journal) -> Waits[Bundle | Pending]:
        """Order, answer the challenges with `solvers` (by method: "http-01"), finalize and download.

        MUST call `journal.order_created` before any request after newOrder; MUST clean every challenge it
        presented; MUST return Pending instead of waiting longer than the limit of behaviour section 5.
        """

    def resume(self, order_url: str, request: OrderRequest, solvers: dict[str, Solver]) -> Waits[Bundle | Pending]:
        """Go on with an order that exists. Raises Failure("order_gone") when the CA does not know it any more."""


class Registers(Protocol):
    """Ability: accounts and terms."""

    def look(self, seconds: float) -> Look:
        """Ask for the directory anew, once; what can't be had in that time raises Failure. `specs` says it after."""

    def terms_url(self) -> str | None:
        """The terms of service that the directory names now."""

    def register(self, contact: str | None, terms_agreed: bool, eab: Eab | None) -> AcmeAccount:
        """Make a new account with a new key. Raises Failure("terms_not_accepted"), Failure("eab_required")."""

    def find(self) -> str | None:
        """The URL of the account that has our key now; None when the CA knows none. Raises
        Failure("account_deactivated")."""


# --- services ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Installed:
    """What a service's configuration presents for a website now. `certificate` is None when a file is named that can't
    be read or parsed (`detail` says why). `ours`: the path is a link of ours (`Place.link`). `chain`: every certificate
    in the file, PEM, where it is not. `keeper`: the other program in whose care it is, see `other_clients.py`."""

    path: Path | None
    certificate: Certificate | None
    ours: bool
    detail: str = ""
    chain: tuple[bytes, ...] = ()
    keeper: str = ""


@dataclass(frozen=True)
class Endpoint:
    """Where a handshake shows what is served. `starttls` is None, "imap" or "smtp"."""

    host: str
    port: int
    sni: str
    starttls: str | None = None

    def __str__(self) -> str:
        how = f" with STARTTLS ({self.starttls})" if self.starttls else ""
        return f"{self.sni} on {self.host} port {self.port}{how}"


@dataclass(frozen=True)
class Served:
    """The outcome of one handshake: the leaf (DER), or why there was none. `late`: it was given up after its time."""

    endpoint: Endpoint
    leaf: bytes | None
    detail: str = ""
    late: bool = False

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 of the leaf, lower-case hex."""
        return None if self.leaf is None else hashlib.sha256(self.leaf).hexdigest()


class ServiceTarget(Protocol):
    """A daemon that presents certificates. Constructed as `Service(options, place)`.

    One instance lives for one run and may cache what it read; `forget()` drops that. Nothing is written by the
    service itself: `install` and `setup` return changes, which the install step publishes, tests, and takes back.
    Configuration that it renders holds validated names and paths only. Raises Failure.
    """

    name: str

    def present(self) -> bool:
        """Whether the service is on this machine."""

    def forget(self) -> None:
        """Read configuration anew at the next call."""

    def installed(self, website: Website) -> Installed | None:
        """What the configuration presents for the website; None when nothing is configured for it."""

    def concerns(self, website: Website) -> bool:
        """Whether this service has anything to serve for the website (the Web Disk only where a vhost stands)."""

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange | SharedFile]:
        """The changes that make the service read `place.link(website.main, name)` for the website, besides the link
        itself (the install step switches it). Empty when the configuration already says so. Two websites' changes to
        one file are asked for one after the other and published together: later ones MUST build on the earlier
        (the instance keeps what it has planned until `forget()`), and one that raises Failure MUST plan nothing."""

    def test(self) -> None:
        """The service's own configuration test. Raises Failure("config_test_failed") with its words."""

    def reload(self) -> None:
        """Make it read its configuration and certificates without dropping connections. A service that is not
        running is left alone, and Failure("service_not_running") raised. Raises Failure("reload_failed")."""

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        """One handshake per name of `certificate` that this service serves for the website, and port.
        Waits up to `settle` seconds for a graceful reload to take effect."""


# --- accounts ------------------------------------------------------------------------------------------------


class AccountSource(Protocol):
    """Finds accounts and websites. Constructed as `Source(options, place)`. Raises Failure: a source that failed
    says nothing about what exists, so nothing is taken for gone."""

    name: str

    def present(self) -> bool:
        """Whether the source exists on this machine."""

    def accounts(self) -> Sequence[Account]:
        """Accounts it knows, each name once."""

    def websites(self) -> Sequence[Website]:
        """All websites of all accounts; several vhosts of the same main name are one website.
        An owner that can't be told is `UNASSIGNED`."""


# --- people --------------------------------------------------------------------------------------------------


class Notifier(Protocol):
    """Hands messages over. Constructed as `Notifier(options)`. `addressed`: it mails to the letter's recipient; any
    other knows by its options where to, and is for administrators."""

    addressed: bool

    def active(self) -> bool:
        """Whether the options say enough for it to be used; with the defaults it is switched off."""

    def send(self, letter: Letter) -> str:
        """Hand one letter over, within a limited time, and return what the other side said last.

        Raises Failure: "notifier_unreachable" when no letter can be handed over now, "notifier_refused" when this one
        was refused, `permanent` if for ever. Then nobody has it; only a connection that breaks between the letter and
        the answer leaves that open.
        """


@dataclass(frozen=True, slots=True)
class Record:
    """One value of a record set. `name`: A-labels in lower case without the final dot (labels may begin with `_`).
    `kind`: "TXT" (`value` is the bare text, without quotes) or "CAA" (`value` as in a zone file: `0 issue "ca.test"`).
    `ttl`, seconds, counts only where there is no set yet: all values of a set share one."""

    name: str
    kind: str
    value: str
    ttl: int = 300


class DnsBackend(Protocol):
    """Writes records of zones that this host may change. Constructed as `Backend(options, place)`; one instance lives
    for one run and may cache which zones there are.

    A change leaves everything else as it was: the other values of the set and its TTL, comments, order. After a
    Failure the zone is as before. `add` and `remove` return once the server that is written to serves the change, by
    the backend's own proof; whether every authoritative server does is for `jobs/zones` to find out. They may be
    called from several threads at once.
    """

    name: str

    def active(self) -> bool:
        """Whether the options say enough for it to be used; with the defaults it is switched off."""

    def zone_for(self, name: str) -> str | None:
        """The zone that holds `name`, the longest one, if this backend serves it. Raises Failure."""

    def add(self, record: Record) -> None:
        """Add one value beside what stands there; no error when it stands there already. Raises Failure."""

    def remove(self, record: Record) -> None:
        """Remove that value; no error when it is gone. Raises Failure."""
