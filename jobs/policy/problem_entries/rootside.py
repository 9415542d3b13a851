"""What can be wrong between the panel and what works as root."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

ROOTSIDE: dict[str, Entry] = {
    "serve_as_root": (
        "error", "The panel is not served as root",
        "Whoever breaks into a process of root's has the whole host. The Debian package has a user for the panel.",
        "Run it as that user, or say `autossl serve --single`.",
    ),
    "root_side_unreachable": (
        "error", "What needs root can't be done",
        "The process that works as root (`autossl-root.service`) does not answer. Services keep what they present.",
        "Look at it: `systemctl status autossl-root.socket autossl-root.service`. Then run the check again.",
    ),
    "root_refused": (
        "error", "The root side refused",
        "It does only what this host's own configuration bears out, whoever asks.",
        "Run `autossl discover`; if it stays so, its journal says more: `journalctl -u autossl-root`.",
    ),
}
