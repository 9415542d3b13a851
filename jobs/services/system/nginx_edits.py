"""Edits of nginx's own files: asked for one after the other, published together, everything else byte for byte."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from jobs import privileged
from jobs.policy.failure import Failure
from jobs.policy.file_change import FileChange
from jobs.policy.nginx_config import Directive, Server, expanded
from jobs.policy.nginx_text import (
    Edit,
    NotUnderstood,
    Spot,
    apply,
    put_first,
    put_last,
    replace_arguments,
    replace_whole,
)
from jobs.policy.nginx_twin import PAIR, Pair, Sources, quoted


class _Texts(dict[str, str]):
    """The files of the configuration, read when they are first needed. Undecodable bytes are kept as surrogates."""

    def __missing__(self, file: str) -> str:
        content = privileged.read(Path(file))
        if content is None:
            raise Failure("unreadable", f"{file}: there is no such file any more")
        self[file] = content.decode("utf-8", "surrogateescape")
        return self[file]


class Edits:
    """All edits count from the files as they were read; an edit that was asked for before changes nothing."""

    def __init__(self) -> None:
        self.sources = Sources(_Texts())
        self._wanted: dict[Path, dict[Edit, None]] = {}
        self._files: dict[Path, str] = {}

    def put_first(self, block: Directive, line: str) -> Path:
        """Put a directive at the beginning of a block; returns the file. Raises Failure("config_not_editable")."""
        return self._add(block, lambda text, spot: [put_first(text, spot, line)])

    def put_last(self, block: Directive, line: str) -> Path:
        """Put a directive at the end of a block; returns the file. Raises Failure("config_not_editable")."""
        return self._add(block, lambda text, spot: [put_last(text, spot, line)])

    def point(self, server: Server, pair: Pair) -> Path:
        """Let a server block name this pair, at the lines where it names another one now.

        A pair that stands in an included file, which other blocks may read too, is moved from there into the block.
        Raises Failure("config_not_editable").
        """
        block = server.directive
        children = block.children or ()
        direct = {name: [item for item in children if item.name == name] for name in PAIR}
        paths = dict(zip(PAIR, (pair.certificate, pair.key), strict=True))
        lines = [f'{name} "{paths[name]}";' for name in PAIR if not direct[name]]
        through = [item for item in children if any(inner.name in PAIR for inner in expanded(item.included))]

        def edits(text: str, spot: Spot) -> list[Edit]:
            made = []
            for name in PAIR:
                for place, item in enumerate(direct[name]):
                    own = self.sources.spot(item)
                    first = replace_arguments(own, f'"{paths[name]}"')
                    made.append(replace_whole(text, own, ()) if place else first)
            for place, item in enumerate(through):
                rest = quoted(item.included, self.sources, PAIR)
                rest = rest if place else [*lines, *rest]
                made.append(replace_whole(text, self.sources.spot(item), rest))
            if lines and not through:
                made.append(put_first(text, spot, *lines))
            return made

        return self._add(block, edits)

    def saved(self) -> dict[Path, dict[Edit, None]]:
        """What is asked for until now, for `back_to`."""
        return {path: dict(edits) for path, edits in self._wanted.items()}

    def back_to(self, saved: dict[Path, dict[Edit, None]]) -> None:
        """Ask for no more than was asked for then."""
        self._wanted = saved

    def changes(self) -> list[FileChange]:
        """Every file that was edited, as it shall be."""
        return [self.change(path) for path in self._wanted]

    def change(self, path: Path) -> FileChange:
        """One file with all edits that were asked for until now."""
        text = apply(self.sources.texts[self._files[path]], self._wanted[path])
        return FileChange(path, text.encode("utf-8", "surrogateescape"))

    def _add(self, block: Directive, make: Callable[[str, Spot], Iterable[Edit]]) -> Path:
        where = f"{block.file}:{block.line}"
        path = _editable(block.file, where)
        try:
            made = list(make(self.sources.texts[block.file], self.sources.spot(block)))
        except (NotUnderstood, LookupError) as error:
            words = f"{where}: this file can't be changed safely ({error})"
            raise Failure("config_not_editable", words, permanent=True) from error
        self._files[path] = block.file
        self._wanted.setdefault(path, {}).update(dict.fromkeys(made))
        return path


def _editable(file: str, where: str) -> Path:
    """The real file behind a link, if root (or we) own it and nobody else may write to it."""
    try:
        path = Path(file).resolve(strict=True)
        facts = path.stat()
    except (OSError, RuntimeError) as error:
        raise Failure("unreadable", f"{file}: {error}") from error
    if facts.st_uid not in (0, os.geteuid()) or facts.st_mode & 0o022:
        words = f"{where}: {path} belongs to uid {facts.st_uid} or others may write to it, so it is not changed"
        raise Failure("config_not_editable", words, permanent=True)
    return path
