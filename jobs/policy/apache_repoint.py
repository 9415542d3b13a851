"""Decides which lines make a TLS vhost present our certificate, or says why none can be changed safely."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest

from jobs.policy.apache_config import Directive, Vhost
from jobs.policy.apache_edit import Edit
from jobs.policy.apache_twin import Pair, is_twin_file
from jobs.policy.failure import Failure

CERTIFICATE, KEY, CHAIN = "SSLCertificateFile", "SSLCertificateKeyFile", "SSLCertificateChainFile"

Spot = tuple[str, int]
"""A file and a line in it."""


@dataclass(frozen=True)
class Server:
    """What all vhosts inherit from the main server, and how often a line of a file came to Apache's eyes, if not once.
    """

    certificates: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    chains: tuple[Directive, ...] = ()
    used: Counter[Spot] = field(default_factory=Counter)
    real: Mapping[str, str] = field(default_factory=dict)

    def spot(self, file: str, line: int) -> Spot:
        """The place under the file's real path: one file may be included under several."""
        return self.real.get(file, file), line


@dataclass(frozen=True, slots=True)
class Named:
    """A certificate and its key as a vhost names them; `certificate` alone may hold both."""

    certificate: str
    key: str


def server(tree: Sequence[Directive], real: Mapping[str, str]) -> Server:
    """`real`: the real path of each file that Apache names by another one (a symlink)."""

    def words(name: str) -> tuple[str, ...]:
        return tuple(item.args[0] for item in tree if item.name.lower() == name.lower() and item.args)

    chains = tuple(item for item in tree if item.name.lower() == CHAIN.lower())
    sections = [item for item in tree if item.name.lower() == "virtualhost"]
    inside = (item for section in sections for item in (section, *section.children))
    seen = chain(inside, (item for item in tree if not item.section))
    counted = Counter((real.get(item.file, item.file), item.line) for item in seen)
    used = Counter({spot: times for spot, times in counted.items() if times > 1})
    return Server(words(CERTIFICATE), words(KEY), chains, used, real)


def pairs(vhost: Vhost, main: Server) -> tuple[Named, ...]:
    """What the vhost presents: each certificate of its own stands in for the main server's at its position."""
    own = _words(vhost, CERTIFICATE)
    keys = _words(vhost, KEY)
    certificates = (*own, *main.certificates[len(own):])
    every = (*keys, *main.keys[len(keys):])
    both = zip_longest(certificates, every[: len(certificates)])
    return tuple(Named(certificate, key or certificate) for certificate, key in both)


def points_to(vhost: Vhost, main: Server, pair: Pair) -> bool:
    """Whether the vhost presents this pair and nothing else."""
    chained = vhost.directive.named(CHAIN) or main.chains
    return pairs(vhost, main) == (Named(pair.certificate, pair.key),) and not chained


def goes_along(main: Server) -> str:
    """What every TLS vhost would present beside ours, and can't take back; empty when there is nothing."""
    if main.chains:
        chain = main.chains[0]
        words = f"{chain.file}:{chain.line}: {CHAIN} outside of all vhosts would go along with our certificate"
        return f"{words}; move it into the vhosts that need it"
    if len(main.certificates) > 1 or len(main.keys) > 1:
        words = "several certificates stand outside of all vhosts, and each vhost presents them too"
        return f"{words}; move them into the vhosts that need them"
    return ""


def repointed(vhost: Vhost, together: Sequence[Vhost], main: Server, pair: Pair) -> dict[str, tuple[Edit, ...]]:
    """File -> the edits that make `vhost` present `pair`; none when it does. `together`: all vhosts that shall, for
    what they share may change. Raises Failure("config_not_editable") that says why not, and what to do by hand."""
    if points_to(vhost, main, pair):
        return {}
    beside = goes_along(main)
    if beside:
        raise _not_editable(vhost, beside, pair)
    spots = [main.spot(item.file, item.line) for each in together for item in each.directive.children]
    edits: dict[str, dict[Edit, None]] = {}
    for file, edit in _edits(vhost, pair):
        spot = main.spot(file, edit.line)
        _refuse_unsafe(vhost, file, edit, main.used[spot] > max(1, spots.count(spot)), pair)
        edits.setdefault(file, {})[edit] = None
    return {file: tuple(chosen) for file, chosen in edits.items()}


def _edits(vhost: Vhost, pair: Pair) -> Iterable[tuple[str, Edit]]:
    """Our pair in the place of the first certificate and the first key; what else stands there is kept as comments."""
    certificates, keys, chains = (vhost.directive.named(name) for name in (CERTIFICATE, KEY, CHAIN))
    certificate_line, key_line = pair.lines()
    if certificates:
        lines = (certificate_line,) if keys else (certificate_line, key_line)
        yield _edit(certificates[0], lines)
        yield from (_edit(item, (key_line,)) for item in keys[:1])
    else:
        section = vhost.directive
        yield section.file, Edit(section.line, section.name, section.args, pair.lines(), behind=True)
        yield from (_edit(item, ()) for item in keys[:1])
    yield from (_edit(item, ()) for item in (*certificates[1:], *keys[1:], *chains))


def _edit(item: Directive, lines: tuple[str, ...]) -> tuple[str, Edit]:
    return item.file, Edit(item.line, item.name, item.args, lines, kept=not lines)


def _refuse_unsafe(vhost: Vhost, file: str, edit: Edit, shared: bool, pair: Pair) -> None:
    if not file.startswith("/"):
        raise _not_editable(vhost, f"its {edit.name} comes out of a {file}, which makes other vhosts too", pair)
    if is_twin_file(file):
        raise _not_editable(vhost, f"it is the twin of another website, written by us ({file})", pair)
    if shared:
        words = f"line {edit.line} of {file} ({edit.name}) is read for other vhosts too"
        raise _not_editable(vhost, words, pair)


def _not_editable(vhost: Vhost, why: str, pair: Pair) -> Failure:
    first, second = pair.lines()
    words = f"the vhost at {vhost.file}:{vhost.line} was left as it is: {why}. By hand, in this vhost: {first} {second}"
    return Failure("config_not_editable", words, permanent=True)


def _words(vhost: Vhost, name: str) -> tuple[str, ...]:
    return tuple(item.args[0] for item in vhost.directive.named(name) if item.args)


