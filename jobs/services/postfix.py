"""Postfix.

A table of ours (`tls_server_sni_maps`) holds the key and the chain for every name. `postmap -F` copies the files into
it, so it is made anew at each reload; the table and its source are for root alone.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs import privileged
from jobs.policy import postfix_conf
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange, SharedFile
from jobs.policy.name_map import NameMap
from jobs.policy.site import Website
from jobs.ports import Installed, Place, Served
from jobs.services.system import MARK, handshakes, if_made_for, presented, rendered_name, rendered_path
from jobs.services.system.mail_ports import Listening, mail_endpoints, said

TABLES, CHAINS, LEVEL = "tls_server_sni_maps", "smtpd_tls_chain_files", "smtpd_tls_security_level"
_DEFAULTS = ("smtpd_tls_cert_file", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file")
_SWITCHES = ("smtpd_use_tls", "smtpd_enforce_tls")
_ASKED = (TABLES, CHAINS, LEVEL, *_SWITCHES, *_DEFAULTS)


@dataclass(frozen=True)
class Options:
    """Where Postfix is, when it is not where Debian puts it."""

    directory: str = field(default="/etc/postfix", metadata={"label": "Configuration directory"})
    postconf: str = field(default="/usr/sbin/postconf", metadata={"label": "Program postconf"})
    postfix: str = field(default="/usr/sbin/postfix", metadata={"label": "Program postfix"})
    postmap: str = field(default="/usr/sbin/postmap", metadata={"label": "Program postmap"})
    pid_file: str = field(
        default="/var/spool/postfix/pid/master.pid", metadata={"label": "File of the process id"}
    )
    tls_ports: tuple[int, ...] = field(
        default=(465,), metadata={"label": "Ports with TLS", "help": "Looked at where Postfix listens on them."}
    )
    starttls_ports: tuple[int, ...] = field(default=(25, 587), metadata={"label": "Ports with STARTTLS"})


class Service:
    """Every name of a website's certificate gets that certificate, by SNI.

    A client that asks for no name gets what the host had configured before; where it had nothing, a website's set.
    """

    name = "postfix"

    def __init__(self, options: Options, place: Place) -> None:
        self._options = options
        self._place = place
        self._names: NameMap | None = None
        self._parameters: dict[str, str] | None = None
        self._asked: dict[str, str] | None = None
        self._reloaded_at: float | None = None
        self._listening = Listening(options.pid_file, "master")

    @property
    def source(self) -> Path:
        """What the table is made of."""
        return self._place.conf / "postfix-sni"

    @property
    def table(self) -> Path:
        return self.source.with_name(f"{self.source.name}.db")

    @property
    def main_cf(self) -> Path:
        return Path(self._options.directory) / "main.cf"

    def present(self) -> bool:
        return Path(self._options.postconf).exists() and self.main_cf.exists()

    def forget(self) -> None:
        self._names = None
        self._parameters = None
        self._asked = None

    def concerns(self, website: Website) -> bool:
        return True

    def installed(self, website: Website) -> Installed | None:
        """The table's answer, if main.cf reads it; else what everybody gets, if it was made for the website."""
        directory = str(self._place.link(website.main, self.name))
        if self._table().names_of(directory) and TABLES in self._ours():
            return presented(self._place, website.main, self.name, f"{directory}/fullchain.pem")
        values = self._effective()
        paths = [values[name] for name in _DEFAULTS if values.get(name, "").startswith("/")]
        for path in [*paths, *_paths(values.get(CHAINS, ""))]:
            found = if_made_for(presented(self._place, website.main, self.name, path), website)
            if found is not None:
                return found
        return None

    def setup(self) -> Sequence[FileChange]:
        """An empty table, which the test that follows makes: Postfix never meets the name of one that is not there."""
        return () if privileged.read(self.source) is not None else (self._shared_source().change(),)

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange | SharedFile]:
        directory = _no_space(rendered_path(self._place.link(website.main, self.name)))
        names, own = self._table(), [rendered_name(name) for name in certificate.names]
        changes = self._parameter_changes(directory)
        return [self._shared_source(), *changes] if names.give(own, directory) else changes

    def release(self, website: Website) -> Sequence[FileChange]:
        directory = str(self._place.link(website.main, self.name))
        own = self._table().names_of(directory)
        self._table().release(own)
        return [self._shared_source().change()] if own else []

    def test(self) -> None:
        """Postfix's own checks, and what they leave out: missing files, and parameters of ours that are overruled.

        A table that does not exist yet is made here, before Postfix meets its name in main.cf: without it, every
        handshake that asks for a name fails.
        """
        expected = self._ours_from_file()
        self._refuse_missing(set(self._table_from_file().values()), _paths(expected.get(CHAINS, "")))
        if privileged.read(self.source) is not None and not self.table.exists():
            self._make_table()
        answer = privileged.introspect([self._options.postconf, "-c", self._options.directory, "-n"])
        # an unknown parameter, or one that a later line sets anew; about others, warnings are the host's own business
        warned = [line for line in answer.text.splitlines() if "warning: " in line and any(n in line for n in expected)]
        if answer.code != 0 or warned:
            raise Failure("config_test_failed", " / ".join(warned) or f"postconf: {said(answer, 3)}")
        checked = privileged.introspect([self._options.postfix, "-c", self._options.directory, "check"])
        if checked.code != 0:
            raise Failure("config_test_failed", f"postfix check: {said(checked, 3)}")

    def reload(self) -> None:
        """Make the table anew, also for a daemon that is stopped; then let the daemons begin again."""
        if privileged.read(self.source) is not None:
            # postmap would only warn about a missing file, and leave its name out
            self._refuse_missing(set(self._table_from_file().values()), ())
            self._make_table()
        if privileged.running_pid(Path(self._options.pid_file), "master") is None:
            raise Failure("service_not_running", f"postfix: not running ({self._options.pid_file})")
        privileged.reload([self._options.postfix, "-c", self._options.directory, "reload"])
        self._reloaded_at = time.monotonic()
        self._listening.forget()

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        """Names that the table gives to another website are not this one's to answer."""
        directory = str(self._place.link(website.main, self.name))
        names = [name for name in certificate.names if self._table().get(name) == directory]
        ports = (self._options.tls_ports, self._options.starttls_ports)
        endpoints = mail_endpoints(self._listening.now(), names, *ports, "smtp")
        return handshakes(endpoints, certificate.fingerprint, self._reloaded_at)

    # --- the table

    def _table(self) -> NameMap:
        """The directory of each name, with what this run has planned."""
        if self._names is None:
            self._names = NameMap(self._table_from_file())
        return self._names

    def _table_from_file(self) -> dict[str, str]:
        try:
            return postfix_conf.parse_source((privileged.read(self.source) or b"").decode("ascii"))
        except ValueError as error:
            words = f"{self.source}: {error}; correct it, or move it away: the next check writes it anew"
            raise Failure("config_test_failed", words, permanent=True) from error

    def _shared_source(self) -> SharedFile:
        """The table takes the mode of its source, and it holds private keys."""
        names = self._table()
        return SharedFile(self.source, lambda: f"{MARK}\n{postfix_conf.render_source(names)}".encode(), mode=0o600)

    def _refuse_missing(self, directories: Collection[str], files: Sequence[str]) -> None:
        pair = ("privkey.pem", "fullchain.pem")
        for path in (*[f"{directory}/{file}" for directory in sorted(directories) for file in pair], *files):
            if privileged.read(Path(path)) is None:
                words = f"{path}: there is no such file, and {self.source} or {self.main_cf} names it"
                raise Failure("config_test_failed", words)

    def _make_table(self) -> None:
        privileged.reload([self._options.postmap, "-c", self._options.directory, "-F", f"hash:{self.source}"])

    # --- main.cf

    def _parameter_changes(self, directory: str) -> list[FileChange]:
        """main.cf with our parameters; empty when it has them."""
        former = self._ours()
        text = (privileged.read(self.main_cf) or b"").decode("utf-8", "surrogateescape")
        others = postfix_conf.former_value(text, TABLES)
        ours = {TABLES: " ".join(filter(None, [f"hash:{_no_space(rendered_path(self.source))}", others]))}
        ours |= {name: former[name] for name in (CHAINS, LEVEL) if name in former}
        values = self._effective()
        if CHAINS not in ours and all(values.get(name, "") in ("", "none") for name in (*_DEFAULTS, CHAINS)):
            ours[CHAINS] = f"{directory}/privkey.pem, {directory}/fullchain.pem"
        if values.get(LEVEL, "") in ("", "none") and all(values.get(name) != "yes" for name in _SWITCHES):
            ours[LEVEL] = "may"
        if ours == former:
            return []
        self._parameters = ours
        content = postfix_conf.with_parameters(text, ours).encode("utf-8", "surrogateescape")
        return [FileChange(self.main_cf, content)]

    def _ours(self) -> dict[str, str]:
        """Our parameters, with what this run has planned."""
        if self._parameters is None:
            self._parameters = self._ours_from_file()
        return self._parameters

    def _ours_from_file(self) -> dict[str, str]:
        try:
            text = (privileged.read(self.main_cf) or b"").decode("utf-8", "surrogateescape")
            return postfix_conf.our_parameters(text)
        except ValueError as error:
            raise Failure("config_test_failed", f"{self.main_cf}: {error}", permanent=True) from error

    def _effective(self) -> dict[str, str]:
        """The parameters as Postfix understood them at the first question."""
        if self._asked is None:
            self._asked = self._ask()
        return self._asked

    def _ask(self) -> dict[str, str]:
        """The parameters as Postfix understands main.cf; what isn't set has its default."""
        answer = privileged.introspect([self._options.postconf, "-c", self._options.directory, *_ASKED])
        if answer.code != 0:
            raise Failure("config_test_failed", f"postconf: {said(answer, 3)}")
        return postfix_conf.read_postconf(answer.text)


def _paths(chain_files: str) -> list[str]:
    return [path for path in chain_files.replace(",", " ").split() if path.startswith("/")]


def _no_space(path: str) -> str:
    """Postfix takes a space for the end of a path."""
    if " " in path:
        raise Failure("path_invalid", f"{path}: expected no space, which ends a path for Postfix", permanent=True)
    return path
