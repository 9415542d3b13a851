"""What can be wrong with what a service serves, though everything is installed."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

SERVED: dict[str, Entry] = {
    "served_older": (
        "error", "The service presents an older certificate",
        "A newer one is installed, and the service goes on with what it read before.",
        "Restart the service by its own means, and see in its log why a reload is not enough.",
    ),
    "served_other": (
        "error", "Something else is served than is installed",
        "A handshake at the service's own port shows a certificate that was never installed there.",
        "Look for a program or a proxy that answers at that port in its place, or a configuration that comes first.",
    ),
    "served_nothing": (
        "error", "The service presents no certificate",
        "It is running, but a handshake at its own port comes to no end.",
        "Look into the service's own log, and whether something keeps connections from the port.",
    ),
}
