"""One Apache as one service uses it during a run: read, edited, tested, reloaded, and looked at by handshakes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs import privileged
from jobs.policy.apache_config import Vhost
from jobs.policy.apache_edit import Edit, NotEditable, edited
from jobs.policy.apache_managed import managed
from jobs.policy.apache_repoint import pairs
from jobs.policy.apache_twin import Pair
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.site import Website
from jobs.ports import Endpoint, Installed, Place, Served
from jobs.services.httpd.survival import refuse_fatal
from jobs.services.httpd.view import View, read_view
from jobs.services.system import handshakes, presented, rendered_path


@dataclass
class _Planned:
    """A file as it was read, and all that is to become of it."""

    content: bytes
    edits: list[Edit] = field(default_factory=list)


class Httpd:
    """What is read and planned is kept until `forget`; a test begins anew, for by then the plans are on disk."""

    def __init__(
        self, where: privileged.WhereApacheIs, place: Place, service: str, http_port: int, https_port: int
    ) -> None:
        self._where = where
        self._place = place
        self._service = service
        self._ports = http_port, https_port
        self._lock = threading.Lock()
        self._view: View | None = None
        self._planned: dict[Path, _Planned] = {}
        self._reloaded_at: float | None = None

    def view(self) -> View:
        with self._lock:
            if self._view is None:
                self._view = read_view(self._where, *self._ports)
            return self._view

    def forget(self) -> None:
        with self._lock:
            self._view = None
            self._planned = {}

    def pair(self, website: Website) -> Pair:
        """Our link for this website, as it may stand in a configuration. Raises Failure("path_invalid")."""
        link = self._place.link(website.main, self._service)
        return Pair(rendered_path(link / "fullchain.pem"), rendered_path(link / "privkey.pem"))

    def presented(self, website: Website, vhost: Vhost) -> Iterator[Installed]:
        """What each certificate that the vhost names holds; where it names none, the one that mod_md gives it."""
        view = self.view()
        named = pairs(vhost, view.main)
        for one in named:
            yield presented(self._place, website.main, self._service, view.root / one.certificate)
        if not named:
            given = (presented(self._place, website.main, self._service, view.root / one)
                     for one in managed(view.tree, vhost))
            bare = Installed(None, None, False, f"{vhost.file}:{vhost.line}: there is no SSLCertificateFile")
            yield next((one for one in given if one.certificate is not None), bare)

    def edit(self, wanted: Mapping[str, Sequence[Edit]]) -> list[FileChange]:
        """Plan these edits by file, on top of what is planned already, and return the files as they shall be.

        Raises Failure("config_not_editable"), Failure("unreadable"); then nothing more is planned.
        """
        plans: dict[Path, _Planned] = {}
        changes = []
        for file, edits in wanted.items():
            path = Path(file).resolve()  # a link in sites-enabled stays a link
            so_far = plans.get(path) or self._planned.get(path) or _Planned(self._content(path))
            plan = plans[path] = _Planned(so_far.content, [*so_far.edits, *edits])
            try:
                content = edited(plan.content, plan.edits)
            except NotEditable as error:
                raise Failure("config_not_editable", f"{path}: {error}", permanent=True) from error
            changes.append(FileChange(path, content))
        self._planned |= plans
        return changes

    def test(self) -> None:
        """Apache's own test, and what it leaves out. Raises Failure("config_test_failed")."""
        self.forget()
        privileged.apache_test(self._where)
        view = self.view()
        refuse_fatal(view, privileged.apache_pid(self._where, view.pid_file))

    def reload(self) -> None:
        """A graceful reload of an Apache that runs. One that ran until our own reload is started again."""
        pid_file = self.view().pid_file
        running = privileged.apache_pid(self._where, pid_file) is not None
        if not running and self._reloaded_at is None:
            raise Failure("service_not_running", f"Apache is not running ({pid_file})")
        self._reloaded_at = time.monotonic()
        bring = privileged.apache_graceful if running else privileged.apache_start
        bring(self._where, pid_file)

    def handshakes(self, endpoints: Sequence[Endpoint], fingerprint: str) -> list[Served]:
        return handshakes(endpoints, fingerprint, self._reloaded_at)

    def _content(self, path: Path) -> bytes:
        content = privileged.read(path)
        if content is None:
            raise Failure("config_not_editable", f"{path}: there is no such file any more")
        return content
