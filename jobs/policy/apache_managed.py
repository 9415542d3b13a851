"""Which of mod_md's certificates a vhost presents that names none itself, by the directives of that module."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.policy.apache_config import Directive, Vhost, global_value, walk
from jobs.policy.site import is_hostname

_STORE = "md"
"""Below the server's root, unless MDStoreDir says otherwise."""

_MODES = frozenset({"auto", "manual"})


def managed(tree: Sequence[Directive], vhost: Vhost) -> Iterator[str]:
    """Paths at which mod_md keeps the certificate of the Managed Domain that `vhost` is of, the likeliest first,
    relative to the server's root. None for a vhost that it has nothing to do with."""
    names = {name.lower() for name in (vhost.server_name, *vhost.aliases) if name}
    store = global_value(tree, "MDStoreDir") or _STORE
    keys = [word.lower() for item in walk(tree) if item.name.lower() == "mdprivatekeys" for word in item.args]
    for members in _domains(tree):
        if names & {*members} and is_hostname(members[0]):
            for file in ("pubcert.pem", *(f"pubcert.{key}.pem" for key in keys if key.isalnum())):
                yield f"{store}/domains/{members[0]}/{file}"


def _domains(tree: Sequence[Directive]) -> Iterator[tuple[str, ...]]:
    """The names of each Managed Domain; it is called after the first one."""
    for item in walk(tree):
        if item.name.lower() in ("mdomain", "mdomainset"):
            within = [word for child in item.named("MDMember") for word in child.args]
            members = tuple(word.lower() for word in (*item.args, *within) if word.lower() not in _MODES)
            if members:
                yield members
