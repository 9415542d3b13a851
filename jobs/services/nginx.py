"""NGINX.

The web server's https server blocks, and the rule that answers challenges on its http ones.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from jobs import ports, privileged
from jobs.policy import nginx_config
from jobs.policy.certificate import Certificate
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.names import covers
from jobs.policy.nginx_config import Server
from jobs.policy.nginx_twin import Pair, challenge_rule
from jobs.policy.site import Website
from jobs.ports import Installed, Served
from jobs.services.system import MARK, handshakes, presented, refuse_link, rendered_path
from jobs.services.system.nginx_edits import Edits
from jobs.services.system.nginx_twins import Ports, orphans, twin_file, twin_text
from jobs.services.system.nginx_view import View, read_view

_FIRST_LINES = 8


@dataclass(frozen=True)
class Options:
    """Where nginx is and listens, when it is not as on Debian."""

    binary: str = field(default="/usr/sbin/nginx", metadata={"label": "Program"})
    config: str = field(default="/etc/nginx/nginx.conf", metadata={"label": "Configuration"})
    snippet: str = field(
        default="/etc/nginx/snippets/autossl-challenge.conf",
        metadata={"label": "Challenge rule", "help": "Our file that every http server block includes."},
    )
    pid_file: str = field(
        default="/run/nginx.pid", metadata={"label": "Process id", "help": "Used when the configuration names none."}
    )
    http_port: int = field(default=80, metadata={"label": "HTTP port"})
    https_port: int = field(default=443, metadata={"label": "HTTPS port"})


class Service:
    """Certificates are read through our link. A website that has http only gets https server blocks in a file of ours,
    which nginx reads last, so that no other block loses its place as the default of an address."""

    name = "nginx"

    def __init__(self, options: Options, place: ports.Place) -> None:
        self._options = options
        self._place = place
        self._own = place.conf / "nginx"
        self._lock = threading.Lock()
        self._seen: View | None = None
        self._edits = Edits()
        self._reloaded_at: float | None = None
        self._left_undone: list[Failure] = []

    def present(self) -> bool:
        return Path(self._options.binary).exists() and Path(self._options.config).exists()

    def forget(self) -> None:
        with self._lock:
            self._seen = None
            self._edits = Edits()

    def concerns(self, website: Website) -> bool:
        view, http, https = self._view(), self._options.http_port, self._options.https_port
        everywhere = chain(view.reaching(website.names, http, tls=False), view.reaching(website.names, https, tls=True))
        return any(one.position not in view.ours for one in everywhere)

    def installed(self, website: Website) -> Installed | None:
        """The certificate that is least ours, where several blocks have one; None also when an http block has names
        that no https block answers yet."""
        view, http, https = self._view(), self._options.http_port, self._options.https_port
        positions = dict.fromkeys(one.position for one in view.reaching(website.names, https, tls=True))
        found = [one for position in positions for one in self._presented(view, position, website)]
        if not found:
            return None
        least = min(found, key=_ownness)
        return None if least.ours and view.only_http(website.names, http, https, ours=True) else least

    def install(self, website: Website, certificate: Certificate) -> Sequence[FileChange]:
        saved = self._edits.saved()
        try:
            return self._install(website)
        except Failure:
            self._edits.back_to(saved)
            raise

    def setup(self) -> Sequence[FileChange]:
        """The challenge rule in every http server block, and the include of our own directory. Blocks that can't be
        changed are told by `left_undone`."""
        refuse_link(self._place.challenges)
        view = self._view()
        rule = challenge_rule(rendered_path(self._place.challenges))
        self._include_own(view)
        self._left_undone = [failure for server in view.others if (failure := self._include_rule(server))]
        gone = [change for path in orphans(view, self._options.http_port) for change in _difference(path, None)]
        snippet = _difference(Path(self._options.snippet), f"{MARK}\n{rule}")
        return [*snippet, *self._edits.changes(), *gone]

    def left_undone(self) -> Sequence[Failure]:
        """What the last `setup` could not do."""
        return self._left_undone

    def test(self) -> None:
        answer = privileged.introspect([self._options.binary, "-t", "-c", self._options.config])
        if answer.code != 0:
            rows = [row.strip() for row in answer.text.splitlines() if row.strip()]
            said = [row for row in rows if "[emerg]" in row] or rows
            words = " / ".join(said[:_FIRST_LINES]) or f"nothing (exit {answer.code})"
            raise Failure("config_test_failed", f"nginx -t says: {words}")

    def reload(self) -> None:
        """A master process that refuses what it reads goes on with what it had; the handshakes show it."""
        self.forget()
        named = nginx_config.value(self._view().main, "pid") or ""
        pid_file = Path(named if named.startswith("/") else self._options.pid_file)
        privileged.signal_process(pid_file, Path(self._options.binary).resolve().name, signal.SIGHUP)
        self._reloaded_at = time.monotonic()

    def probe(self, website: Website, certificate: Certificate) -> Sequence[Served]:
        view = self._view()
        secured = view.reaching(website.names, self._options.https_port, tls=True)
        wanted = [one for one in secured if covers(certificate.names, one.name)]
        endpoints = dict.fromkeys(endpoint for one in wanted for endpoint in view.endpoints(one))
        return handshakes(list(endpoints), certificate.fingerprint, self._reloaded_at)

    def _view(self) -> View:
        with self._lock:
            if self._seen is None:
                self._seen = read_view(self._options.config, self._own)
            return self._seen

    def _install(self, website: Website) -> list[FileChange]:
        """Our link in every https block of somebody else's, and a twin for every http block that has none."""
        view, http, https = self._view(), self._options.http_port, self._options.https_port
        link = self._place.link(website.main, self.name)
        pair = Pair(rendered_path(link / "fullchain.pem"), rendered_path(link / "privkey.pem"))
        touched: dict[Path, None] = {}
        for position in dict.fromkeys(one.position for one in view.reaching(website.names, https, tls=True)):
            server = view.servers[position]
            if position not in view.ours and not pair.stands_in(server):
                touched[self._edits.point(server, pair)] = None
        alone = view.only_http(website.names, http, https, ours=False)
        twins = [
            twin_text(view, position, names, pair, Ports(http, https), self._edits.sources, self._options.snippet)
            for position, names in alone.items()
        ]
        if twins:
            touched.update(dict.fromkeys(self._include_own(view)))
        text = "\n".join([MARK, *twins]) if twins else None
        changes = [self._edits.change(path) for path in touched]
        return [*changes, *_difference(twin_file(self._own, website.main), text)]

    def _include_own(self, view: View) -> list[Path]:
        """nginx reads our directory last in its http block; a directory without files is no error to it."""
        pattern = f"{rendered_path(self._own)}/*.conf"
        if view.http is None or pattern in view.includes:
            return []
        return [self._edits.put_last(view.http, f'include "{pattern}";')]

    def _include_rule(self, server: Server) -> Failure | None:
        """The rule as the first directive of an http block, unless it is there; why not, when it can't be put there.
        A pattern, because nginx does not start without a file that is named, but does without one that would match."""
        snippet = Path(self._options.snippet)
        pattern = rendered_path(snippet.parent / snippet.stem) + f"*{snippet.suffix}"
        block = server.directive
        if self._options.http_port not in server.ports(tls=False):
            return None
        if pattern in nginx_config.include_patterns(block.children or ()):
            return None
        line = f'include "{pattern}";'
        try:
            self._edits.put_first(block, line)
        except Failure as failure:
            words = f"{failure.detail}. Make this the first line of that server block by hand: {line}"
            return Failure(failure.code, words, permanent=True)
        return None

    def _presented(self, view: View, position: int, website: Website) -> Iterator[Installed]:
        server = view.servers[position]
        where = f"{server.directive.file}:{server.directive.line}"
        for argument in server.certificates:
            if "$" in argument or argument.startswith(("data:", "engine:")):
                yield Installed(None, None, False, f"{where}: {argument}: this names no file")
            else:
                path = Path(self._options.config).parent / argument
                yield presented(self._place, website.main, self.name, path)
        if not server.certificates:
            yield Installed(None, None, False, f"{where}: there is no ssl_certificate")


def _ownness(one: Installed) -> tuple[bool, bool, bool]:
    """Sorts a good certificate of somebody else first: it decides that the website is left alone."""
    certificate = one.certificate
    return one.ours, certificate is None, certificate is not None and certificate.self_signed


def _difference(path: Path, text: str | None) -> list[FileChange]:
    """The change that gives a file of ours this content (None: takes it away), if it has another one."""
    content = None if text is None else text.encode("utf-8", "surrogateescape")
    if privileged.read(path) == content:
        return []
    return [FileChange(path, content, mode=None if content is None else 0o644)]
