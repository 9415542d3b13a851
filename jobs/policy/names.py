"""Which names a website's certificate should cover, and in which order (behaviour section 3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from jobs.policy.site import InvalidName, NameKind, WantedName, Website, hostname

LABEL_ORDER = ("www", "mail", "webmail", "panel", "autodiscover", "webdisk")
_GUESSED = (("www", NameKind.WWW), ("mail", NameKind.MAIL))


def covers(names: Collection[str], name: str) -> bool:
    """Whether a certificate for `names` is valid for `name`; `*.x` matches exactly one label (RFC 6125)."""
    if name in names:
        return True
    _, dot, parent = name.partition(".")
    return bool(dot) and not name.startswith("*.") and f"*.{parent}" in names


def wanted_names(
    website: Website, service_labels: Sequence[str], excluded: Collection[str], taken: Collection[str] = ()
) -> tuple[WantedName, ...]:
    """The website's own names, then `www.` and `mail.` of each, then its service names; without the excluded.

    `taken`: names that other websites list as their own; they are never guessed. A guess is made only below a
    name that is not itself such a label (`www.www.` is nobody's), and never below a wildcard.
    """
    own = [name for name in website.names if name not in excluded]
    wanted = {name: WantedName(name, _kind(website, name), own=True) for name in own}
    labels = [(label, kind) for label, kind in _GUESSED]
    labels += [(label, NameKind.SERVICE) for label in service_labels]
    known = {label for label, _ in labels}
    stems = [name for name in website.names if not name.startswith("*.") and name.split(".")[0] not in known]
    for stem in stems:
        for label, kind in labels:
            name = _valid(f"{label}.{stem}")
            if name and name not in wanted and name not in excluded and name not in taken:
                wanted[name] = WantedName(name, kind, own=False)
    return tuple(wanted.values())


def in_order(names: Iterable[str], website: Website, secured: Collection[str], main_domain: str) -> tuple[str, ...]:
    """Names in the order in which a cap keeps them: secured ones; the account's main domain with its www and mail; each
    own name (an addon) with its www and mail; then fewer dots, the label's rank, shorter, alphabetical, by which the
    addons are in order as well. Total, so the result never depends on luck."""
    own = set(website.names)

    def plain(name: str) -> tuple[int, int, int, str]:
        label = name.partition(".")[0]
        rank = LABEL_ORDER.index(label) if label in LABEL_ORDER else len(LABEL_ORDER)
        return name.count("."), rank, len(name), name

    def key(name: str) -> tuple[bool, int, tuple[int, int, int, str], tuple[int, int, int, str]]:
        label, _, rest = name.partition(".")
        below = label in ("www", "mail") and (rest == main_domain or rest in own)
        stem = rest if below else name
        group = 0 if stem == main_domain else 1 if stem in own else 2
        return name not in secured, group, plain(stem), plain(name)

    return tuple(sorted(set(names), key=key))


def parent(name: str) -> str:
    """The domain right above; that of `*.a.test` is `a.test`. Empty above the last label."""
    return name.partition(".")[2]


def _kind(website: Website, name: str) -> NameKind:
    if name == website.main:
        return NameKind.MAIN
    label = name.split(".")[0]
    return {"www": NameKind.WWW, "mail": NameKind.MAIL}.get(label, NameKind.ALIAS)


def _valid(name: str) -> str | None:
    """A guess may exceed the length of a host name; then it is not made."""
    try:
        return hostname(name)
    except InvalidName:
        return None
