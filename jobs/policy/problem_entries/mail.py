"""What can be wrong with messages: mail, chats, webhooks."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

MAIL: dict[str, Entry] = {
    "notifier_unreachable": (
        "error", "Messages can't be handed over",
        "The mail server or service can't be reached, is not who it should be, or takes nothing from this host. What"
        " there is to tell waits for up to seven days.",
        "Correct the notifier's options, then try it: `autossl notify test`.",
    ),
    "notifier_refused": (
        "error", "A message was refused",
        "The mail server or service took others, but not this one. The message has its own words.",
        "Check the address, and what the words of the server ask for.",
    ),
    "notifier_missing": (
        "error", "No notifier is in use",
        "Nobody is told of anything: there is no way set up to send messages by.",
        "Set one up under Options, or by `autossl plugin set`; see `autossl plugin list`.",
    ),
    "notifier_extra_missing": (
        "error", "A library for messages is not installed",
        "It is an extra of this program, because it brings many others along.",
        "Run the command that the message names.",
    ),
}
