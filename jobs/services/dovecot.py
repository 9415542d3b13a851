"""Dovecot.

One file of ours in conf.d holds a `local_name` block a website; what the host's own files say is left as it is.
Dovecot reads certificates when it reads its configuration, so every change and every renewal needs a reload.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs import privileged
from jobs.policy.certificate import Certificate
from jobs.policy.dovecot_conf import Effective, LocalName, OurFile, as_written, parse, read_doveconf, render
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange, SharedFile
from jobs.policy.names import covers
from jobs.policy.site import Website
from jobs.ports import Installed, Place, Served
from jobs.services.system import MARK, handshakes, if_made_for, presented, rendered_name, rendered_path
from jobs.services.system.mail_ports import Listening, mail_endpoints

TEST_TIMEOUT = 120.0
"""Seconds: 5000 names took 5 s on two cores."""


@dataclass(frozen=True)
class Options:
    """Where Dovecot is, when it is not where Debian puts it."""

    config: str = field(default="/etc/dovecot/dovecot.conf", metadata={"label": "Configuration"})
    snippet: str = field(
        default="/etc/dovecot/conf.d/99-autossl.conf",
        metadata={"label": "File of ours", "help": "Read by the configuration's `!include conf.d/*.conf`."},
    )
    doveconf: str = field(default="/usr/bin/doveconf", metadata={"label": "Program doveconf"})
    doveadm: str = field(default="/usr/bin/doveadm", metadata={"label": "Program doveadm"})
    pid_file: str = field(default="/run/dovecot/master.pid", metadata={"label": "File of the process id"})
    tls_ports: tuple[int, ...] = field(
        default=(993,), metadata={"label": "Ports with TLS", "help": "Looked at where Dovecot listens on them."}
    )
    starttls_ports: tuple[int, ...] = field(
        default=(143,), metadata={"label": "Ports with STARTTLS", "help": "IMAP only."}
    )


class Service:
    """Every name of a website's certificate gets that certificate, by SNI."""

    name = "dovecot"

    def __init__(self, options: Options, place: Place) -> None:
        self._options = options
        self._place = place
        self._planned: OurFile | None = None
        self._effective: Effective | None = None
        self._reloaded_at: float | None = None
        self._listening = Listening(options.pid_file, "dovecot")

    def present(self) -> bool:
        return Path(self._options.doveconf).exists() and Path(self._options.config).exists()

    def forget(self) -> None:
        self._planned = None
        self._effective = None

    def concerns(self, website: Website) -> bool:
        return True

    def installed(self, website: Website) -> Installed | None:
        """Our block; else a block or a default certificate of somebody else's that a name of the website gets."""
        directory = str(self._place.link(website.main, self.name))
        if self._ours().names.names_of(directory):
            return presented(self._place, website.main, self.name, f"{directory}/fullchain.pem")
        for block in self._foreign():
            if any(covers(block.names, name) for name in website.names):
                return presented(self._place, website.main, self.name, block.certificate)
        return self._default_for(website)

    def install(self, website: Website, certificate: Certificate) -> Sequence[SharedFile]:
        directory = rendered_path(self._place.link(website.main, self.name))
        names = [rendered_name(name) for name in certificate.names]
        self._refuse_foreign(names)
        file, effective = self._ours(), self._now()
        former = file.default, file.enable
        changed = file.names.give(names, directory)
        if effective.ssl == "no" or not (effective.certificate or file.default):
            # A host without any certificate of its own: this website's answers clients that name nobody.
            file.default, file.enable = file.default or directory, file.enable or effective.ssl == "no"
        return (self._shared(),) if changed or (file.default, file.enable) != former else ()

    def release(self, website: Website) -> Sequence[FileChange]:
        changed = self._ours().without(str(self._place.link(website.main, self.name)))
        return (self._shared().change(),) if changed else ()

    def test(self) -> None:
        """`doveconf -x` opens every file that is named, which `doveconf -n` does not; a reload with a missing file
        would say nothing and go on with the former configuration."""
        ours = self._read()
        answer = self._doveconf("-x", "-n")
        if answer.code != 0:
            said = [line for line in answer.text.splitlines() if line.startswith("doveconf: ")]
            raise Failure("config_test_failed", " / ".join(said[:4]) or f"doveconf -x: exit {answer.code}")
        expected = [f"local_name {' '.join(block.names)} {{" for block in as_written(ours)]
        if not set(expected) <= set(answer.text.splitlines()):
            words = f"{self._options.snippet}: it is not read by {self._options.config}"
            raise Failure("config_test_failed", f"{words}; expected `!include conf.d/*.conf` there", permanent=True)

    def reload(self) -> None:
        if privileged.running_pid(Path(self._options.pid_file), "dovecot") is None:
            raise Failure("service_not_running", f"dovecot: not running ({self._options.pid_file})")
        privileged.reload([self._options.doveadm, "-c", self._options.config, "reload"], TEST_TIMEOUT)
        self._reloaded_at = time.monotonic()
        self._listening.forget()

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        """Names that a block of another website has taken over are not this one's to answer."""
        own, directory = self._ours().names, str(self._place.link(website.main, self.name))
        names = [name for name in certificate.names if own.get(name) == directory]
        ports = (self._options.tls_ports, self._options.starttls_ports)
        endpoints = mail_endpoints(self._listening.now(), names, *ports, "imap")
        return handshakes(endpoints, certificate.fingerprint, self._reloaded_at)

    def _shared(self) -> SharedFile:
        file = self._ours()
        return SharedFile(Path(self._options.snippet), lambda: f"{MARK}\n{render(file)}".encode(), mode=0o644)

    def _ours(self) -> OurFile:
        """Our file with what this run has planned."""
        if self._planned is None:
            self._planned = self._read()
        return self._planned

    def _read(self) -> OurFile:
        path = Path(self._options.snippet)
        try:
            return parse((privileged.read(path) or b"").decode("ascii"))
        except ValueError as error:
            remedy = "move it away, and your lines into a file of yours: the next check writes it anew"
            raise Failure("config_test_failed", f"{path}: {error}; {remedy}", permanent=True) from error

    def _now(self) -> Effective:
        """The running configuration, as it was at the first question."""
        if self._effective is None:
            answer = self._doveconf("-n")
            if answer.code != 0:
                raise Failure("config_test_failed", f"doveconf -n: exit {answer.code}", permanent=True)
            self._effective = read_doveconf(answer.text)
        return self._effective

    def _doveconf(self, *flags: str) -> privileged.Output:
        return privileged.introspect([self._options.doveconf, "-c", self._options.config, *flags], TEST_TIMEOUT)

    def _foreign(self) -> list[LocalName]:
        """The blocks of the host's own files, which Dovecot meets before ours."""
        live = str(self._place.live) + "/"
        named = [block for block in self._now().local_names if block.certificate]
        return [block for block in named if not block.certificate.startswith(live)]

    def _refuse_foreign(self, names: Sequence[str]) -> None:
        for block in self._foreign():
            claimed = [name for name in names if covers(block.names, name) or name in block.names]
            if claimed:
                words = f"{', '.join(claimed)}: a local_name block of this host's own names {block.certificate}"
                remedy = "it comes first, so ours would never be presented; take it away"
                raise Failure("configured_elsewhere", f"{words}; {remedy}", permanent=True)

    def _default_for(self, website: Website) -> Installed | None:
        """The default certificate, if it was made for a name of this website."""
        path = self._now().certificate
        if not path:
            return None
        return if_made_for(presented(self._place, website.main, self.name, path), website)
