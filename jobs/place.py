"""Where an installation lives: the folders below its instance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """Where this installation lives. All paths are absolute, and all but `challenges_at` below `instance`, our own.
    """

    instance: Path
    challenges_at: Path | None = None
    """Where answers to challenges lie, if that is elsewhere: the root side writes none, but has them served."""

    @property
    def live(self) -> Path:
        """`live/<website>/<serial>/{privkey,cert,chain,fullchain}.pem`, and one symlink a service beside the sets."""
        return self.instance / "tls" / "live"

    @property
    def challenges(self) -> Path:
        """One file a token, 0644, in a directory that the web server may enter."""
        return self.challenges_at or self.instance / "challenges"

    @property
    def keys(self) -> Path:
        """Account keys, 0700."""
        return self.instance / "keys"

    @property
    def logs(self) -> Path:
        return self.instance / "logs"

    @property
    def conf(self) -> Path:
        """Files of ours that services read (maps, snippets that are included), 0755."""
        return self.instance / "conf"

    @property
    def backups(self) -> Path:
        """Former versions of service configuration files that we changed."""
        return self.instance / "backups"

    def link(self, website: str, service: str) -> Path:
        """The symlink through which `service` reads the set of `website`, as `live/<website>/<service>`."""
        return self.live / website / service
