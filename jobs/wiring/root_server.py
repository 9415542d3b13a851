"""Puts the root side together: its configuration, its own instance, and the socket at which it is asked."""

from __future__ import annotations

import os
import pwd
import socket
from dataclasses import replace
from functools import partial
from pathlib import Path

from peewee import SqliteDatabase

from jobs import config as configuration
from jobs import privileged
from jobs.config import Root
from jobs.policy.failure import Failure
from jobs.ports import Place
from jobs.rootside.server import Server
from jobs.wiring.instance import DATABASE, Instance, config_path, create, now, open_instance
from jobs.wiring.root_host import RootHost
from jobs.wiring.root_trust import Trust
from jobs.wiring.rootside import RootVerbs

_FIRST_HANDED_OVER = 3
"""sd_listen_fds(3)."""


def root_server(directory: Path, path: Path | None = None) -> Server:
    """Ready to serve. `directory`: the instance of the other side; `path`: where to listen, if not as configured.

    Raises Failure("not_root"), Failure("config_invalid"), Failure("bind_failed").
    """
    host = root_instance(directory)
    root = configuration.load(config_path(directory)).root
    try:
        user = pwd.getpwnam(root.user)
    except KeyError as error:
        words = f"{config_path(directory)}: root.user: expected a user of this host, got {root.user!r}"
        raise Failure("config_invalid", words, permanent=True) from error
    shared = RootHost(host, now, Trust([Path(one) for one in root.trust]))
    listener = _listening(path or Path(root.socket), user)
    return Server(listener, {0, user.pw_uid}, partial(RootVerbs, host=shared))


def root_instance(directory: Path, looking: bool = False) -> Instance:
    """The root side's own instance: what `autossl setup` and the socket work on. It is made if it is not there, unless
    only for `looking` at services; then it may be one without a database.

    Raises Failure("not_root"), Failure("config_invalid").
    """
    if os.geteuid() != 0:
        raise Failure("not_root", "this changes services of the host, which only root may do", permanent=True)
    path = config_path(directory)
    _refuse_others(path)
    config = configuration.load(path)
    state, theirs = Path(config.root.state), Path(config.root.instance)
    trust = [("trust", Path(one)) for one in config.root.trust]
    ours = [("state", state), ("socket", Path(config.root.socket)), *trust]
    for key, value in (*ours, ("instance", theirs)):
        if not value.is_absolute() or ".." in value.parts:
            words = f"{path}: root.{key}: expected an absolute path, got {str(value)!r}"
            raise Failure("config_invalid", words, permanent=True)
    for _, value in ours:
        _refuse_others(next(step for step in (value, *value.parents) if step.exists() and not step.is_socket()))
    place = Place(state, challenges_at=theirs / "challenges")
    config = replace(config, root=Root())
    if looking and not (state / DATABASE).exists():
        return Instance(place, config, SqliteDatabase(None), root_side=True)
    create(state, place)
    opened = open_instance(state, config)
    return replace(opened, place=place, root_side=True)


def _refuse_others(path: Path) -> None:
    """Whoever may write the configuration chooses which programs root runs, and whoever may write to a directory on the
    way to what is root's own, what stands there. Raises Failure("config_invalid")."""
    try:
        privileged.refuse_untrusted(path)
    except Failure as failure:
        raise Failure("config_invalid", f"{path}: not used: {failure.detail}", permanent=True) from failure


def _listening(path: Path, user: pwd.struct_passwd) -> socket.socket:
    """The socket that systemd hands over, or one of our own that only `user`'s group may use."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
        return socket.socket(fileno=_FIRST_HANDED_OVER)
    try:
        path.parent.mkdir(mode=0o755, exist_ok=True)
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        former = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(former)
        os.chown(path, 0, user.pw_gid)
        path.chmod(0o660)
        listener.listen(64)
    except OSError as error:
        raise Failure("bind_failed", f"{path}: listening: {error.strerror}", permanent=True) from error
    return listener
