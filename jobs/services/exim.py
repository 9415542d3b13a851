"""Exim.

Exim looks up every name that a client asks for in a map of ours, at each connection: a renewal is a switched link, a
new website is a few lines of the map. Only the two TLS options that read the map change its configuration, once.
"""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jobs import privileged
from jobs.policy import exim_conf
from jobs.policy.certificate import Certificate
from jobs.policy.exim_conf import Pair
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange, SharedFile
from jobs.policy.name_map import NameMap
from jobs.policy.site import Website
from jobs.ports import Installed, Place, Served
from jobs.services.system import MARK, handshakes, if_made_for, presented, rendered_name, rendered_path
from jobs.services.system.mail_ports import daemon_listeners, mail_endpoints, said

_ASKED = ("tls_certificate", "tls_privatekey", "tls_advertise_hosts")


@dataclass(frozen=True)
class Options:
    """Where Exim is, when it is not where Debian puts it."""

    binary: str = field(default="/usr/sbin/exim4", metadata={"label": "Program"})
    directory: str = field(
        default="/etc/exim4",
        metadata={
            "label": "Configuration directory",
            "help": "A hand-written exim4.conf in it comes first, then Debian's update-exim4.conf.conf.",
        },
    )
    generate: str = field(default="/usr/sbin/update-exim4.conf", metadata={"label": "Program update-exim4.conf"})
    pid_file: str = field(default="/run/exim4/exim.pid", metadata={"label": "File of the process id"})
    tls_ports: tuple[int, ...] = field(
        default=(465,), metadata={"label": "Ports with TLS", "help": "Looked at where Exim listens on them."}
    )
    starttls_ports: tuple[int, ...] = field(default=(25, 587), metadata={"label": "Ports with STARTTLS"})


class Service:
    """Every name of a website's certificate gets that certificate, by SNI.

    A client that asks for no name, or for one that is not in the map, gets what the host had configured before; where
    it had nothing, the first website's set, and behind that what Exim makes itself.
    """

    name = "exim"
    key_group = "Debian-exim"

    def __init__(self, options: Options, place: Place) -> None:
        self._options = options
        self._place = place
        self._names: NameMap | None = None
        self._pair: Pair | None = None
        self._asked: dict[str, str] | None = None
        self._listeners: tuple[privileged.Listener, ...] = ()
        self._reloaded_at: float | None = None
        self._by_map_only = self._spared = self._options_stand = self._map_stands = False
        self._turn = threading.Lock()

    @property
    def map(self) -> Path:
        return self._place.conf / "exim.map"

    def present(self) -> bool:
        return Path(self._options.binary).exists() and (self._by_hand() or self._debian_settings().exists())

    def forget(self) -> None:
        self._names = None
        self._pair = None
        self._asked = None
        self._by_map_only = self._options_stand = False

    def concerns(self, website: Website) -> bool:
        return True

    def installed(self, website: Website) -> Installed | None:
        """The map's answer, if the options read it; else what everybody gets, if it was made for the website."""
        directory = str(self._place.link(website.main, self.name))
        pair = self._written()
        if pair is not None and self._map().names_of(directory):
            return presented(self._place, website.main, self.name, f"{directory}/fullchain.pem")
        everybody = (exim_conf.fallback_of(pair) if pair else None) or self._configured()
        if not everybody.certificate.startswith("/"):
            return None
        return if_made_for(presented(self._place, website.main, self.name, everybody.certificate), website)

    def setup(self) -> Sequence[FileChange]:
        """The options and an empty map, where the host presents a certificate already: nothing changes for anybody.
        Where it has none, the first website that is installed brings them along."""
        if self._written() is not None or self._usable(self._configured()) is None:
            return ()
        return [self._shared_map().change(), *self._option_changes(None)]

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange | SharedFile]:
        directory = _no_colon(rendered_path(self._place.link(website.main, self.name)))
        names, own = self._map(), [rendered_name(name) for name in certificate.names]
        changes = self._option_changes(directory)
        self._by_map_only = self._pair is None
        if names.give(own, directory) or not self._map_stands:
            return [self._shared_map(), *changes]
        return changes

    def release(self, website: Website) -> Sequence[FileChange]:
        directory = str(self._place.link(website.main, self.name))
        own = self._map().names_of(directory)
        self._map().release(own)
        return [self._shared_map().change()] if own else []

    def test(self) -> None:
        """The configuration as it would be generated now, in a directory of its own: what runs is not touched."""
        self._map_from_file()
        expected = self._written_in_file()
        with self._scratch() as scratch:
            config = self._generated_in(scratch)
            answer = self._exim(config, "-bV")
            if answer.code != 0:
                raise Failure("config_test_failed", f"exim4 -bV: {said(answer, 2)}")
            if expected is not None:
                wrong = exim_conf.overruled(expected, self._ask(config), str(self._file()))
                if wrong:
                    raise Failure("config_test_failed", wrong, permanent=True)

    def reload(self) -> None:
        """For a moment after a reload connections are refused. So there is none where an installation changed links
        and map only, which are looked up at each connection; unless the probe shows that Exim has not read our options.

        Debian's configuration is generated anew first, also for a daemon that is stopped: it starts with it."""
        if not self._by_hand():
            privileged.reload([self._options.generate])
        self._listeners = daemon_listeners(self._options.pid_file, "exim4") or self._listeners
        running = privileged.running_pid(Path(self._options.pid_file), "exim4") is not None
        self._spared, self._reloaded_at = self._by_map_only and running, None
        if not self._spared:
            self._signal()

    def _signal(self) -> None:
        privileged.signal_process(Path(self._options.pid_file), "exim4", signal.SIGHUP)
        self._reloaded_at = time.monotonic()

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        """Names that the map gives to another website are not this one's to answer. For a moment after a reload Exim
        listens nowhere, so the ports are those that it listened on before."""
        directory = str(self._place.link(website.main, self.name))
        names = [name for name in certificate.names if self._map().get(name) == directory]
        listeners = self._listeners or daemon_listeners(self._options.pid_file, "exim4")
        ports = (self._options.tls_ports, self._options.starttls_ports)
        endpoints = mail_endpoints(listeners, names, *ports, "smtp")
        answers = handshakes(endpoints, certificate.fingerprint, self._reloaded_at)
        if not self._spared or all(answer.fingerprint == certificate.fingerprint for answer in answers):
            return answers
        with self._turn:  # of several websites that are probed at once, one has it reloaded
            if self._reloaded_at is None:
                self._signal()
        return handshakes(endpoints, certificate.fingerprint, self._reloaded_at)

    # --- the map

    def _map(self) -> NameMap:
        """The map with what this run has planned."""
        if self._names is None:
            self._names = NameMap(self._map_from_file())
        return self._names

    def _map_from_file(self) -> dict[str, str]:
        content = privileged.read(self.map)
        self._map_stands = content is not None
        try:
            return exim_conf.parse_map((content or b"").decode("ascii"))
        except ValueError as error:
            words = f"{self.map}: {error}; correct it, or move it away: the next check writes it anew"
            raise Failure("config_test_failed", words, permanent=True) from error

    def _shared_map(self) -> SharedFile:
        names = self._map()
        return SharedFile(self.map, lambda: f"{MARK}\n{exim_conf.render_map(names)}".encode(), mode=0o644)

    # --- the two options

    def _option_changes(self, directory: str | None) -> list[FileChange]:
        """The configuration with our two options; empty when it has them. `directory`: the set for clients that ask
        for no name, if the host has nothing for them."""
        if self._pair is not None or self._options_stand:
            return []
        former = self._written_in_file()
        fallback = (exim_conf.fallback_of(former) if former else None) or self._configured()
        fallback = self._usable(fallback) or (exim_conf.if_it_exists(directory) if directory else Pair("", ""))
        pair = exim_conf.by_sni(_no_colon(rendered_path(self.map)), fallback)
        if pair == former:
            self._options_stand = directory is not None  # and for the websites that come after it
            return []
        self._pair = pair
        text = (privileged.read(self._file()) or b"").decode("utf-8", "surrogateescape")
        put = exim_conf.with_options if self._by_hand() else exim_conf.with_macros
        return [FileChange(self._file(), put(text, pair).encode("utf-8", "surrogateescape"))]

    def _usable(self, pair: Pair) -> Pair | None:
        """`pair` as the fallback; None when it presents nothing. What can't be kept is refused rather than lost."""
        certificate, privatekey = pair.certificate, pair.privatekey or pair.certificate
        if certificate.startswith("/") and any(privileged.read(Path(one)) is None for one in certificate.split(":")):
            return None
        directory = exim_conf.set_of(pair)
        if directory and privileged.read(Path(directory) / "fullchain.pem") is None:
            return None
        if not all(map(exim_conf.nestable, (certificate, privatekey))):
            words = f"{self._file()}: {certificate!r} can't be kept beside ours; expected a path or a plain expansion"
            raise Failure("configured_elsewhere", words, permanent=True)
        return Pair(certificate, privatekey) if certificate else None

    def _written(self) -> Pair | None:
        """The values that lines of ours set, with what this run has planned; None where there are no such lines."""
        return self._pair or self._written_in_file()

    def _written_in_file(self) -> Pair | None:
        try:
            text = (privileged.read(self._file()) or b"").decode("utf-8", "surrogateescape")
            return exim_conf.pair_in(text, macros=not self._by_hand())
        except ValueError as error:
            raise Failure("config_test_failed", f"{self._file()}: {error}", permanent=True) from error

    # --- Exim's own words

    def _configured(self) -> Pair:
        """The two options as Exim itself understands the present configuration."""
        if self._asked is None:
            with self._scratch() as scratch:
                self._asked = self._ask(self._generated_in(scratch))
        return Pair(self._asked.get("tls_certificate", ""), self._asked.get("tls_privatekey", ""))

    def _ask(self, config: Path) -> dict[str, str]:
        answer = self._exim(config, "-bP", *_ASKED)
        if answer.code != 0:
            raise Failure("config_test_failed", f"exim4 -bP: {said(answer, 2)}")
        return exim_conf.read_options(answer.text)

    def _exim(self, config: Path, *words: str) -> privileged.Output:
        which = [] if config == self._hand_written() else ["-C", str(config)]
        return privileged.introspect([self._options.binary, *which, *words])

    def _generated_in(self, scratch: Path) -> Path:
        """The configuration that Exim would get: the hand-written one, or Debian's, generated in `scratch`."""
        if self._by_hand():
            return self._hand_written()
        config = scratch / "exim4.conf"
        command = [self._options.generate, "-d", self._options.directory, "-o", str(config)]
        answer = privileged.introspect(command, env={"TMPDIR": str(scratch)})
        if answer.code != 0 or not config.exists():
            raise Failure("config_test_failed", f"update-exim4.conf: {said(answer)}")
        return config

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A directory for what is only looked at, gone afterwards; the system's where there is no place of ours yet."""
        try:
            made = tempfile.TemporaryDirectory(None, ".exim-", self._place.conf if self._place.conf.exists() else None)
        except OSError as error:
            words = f"{self._place.conf}: making a directory for the test: {error.strerror}"
            raise Failure("config_test_failed", words) from error
        with made as name:
            yield Path(name)

    # --- the files

    def _by_hand(self) -> bool:
        return self._hand_written().exists()

    def _hand_written(self) -> Path:
        return Path(self._options.directory) / "exim4.conf"

    def _debian_settings(self) -> Path:
        return Path(self._options.directory) / "update-exim4.conf.conf"

    def _file(self) -> Path:
        """Where the two options (or the macros for them) are written."""
        if self._by_hand():
            return self._hand_written()
        settings = (privileged.read(self._debian_settings()) or b"").decode("utf-8", "replace")
        split = exim_conf.is_split(settings)
        return Path(self._options.directory) / ("conf.d/main/000_localmacros" if split else "exim4.conf.localmacros")


def _no_colon(path: str) -> str:
    """Exim takes a colon in a certificate's path for the beginning of another path."""
    if ":" in path:
        raise Failure("path_invalid", f"{path}: expected no colon, which separates paths for Exim", permanent=True)
    return path
