"""What CAA records say against a certificate, and what became of them (RFC 8659, RFC 8657)."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

CAA: dict[str, Entry] = {
    "caa_forbids": (
        "error", "CAA records forbid the provider",
        "The zone says which CAs may issue for it, and the current provider is not among them.",
        "Add the record that the message names, or choose a provider that is allowed.",
    ),
    "caa_forbids_everyone": (
        "error", "CAA records forbid every CA",
        "The zone says on purpose that nobody may issue. AutoSSL does not override that by itself.",
        "Add the record that the message names if a certificate is wanted, or exclude the name.",
    ),
    "caa_conditions": (
        "error", "CAA records allow the provider under other conditions",
        "The record names an account or a method of validation that are not those of this host (RFC 8657).",
        "Add the record that the message names.",
    ),
    "caa_malformed": (
        "error", "A CAA record is malformed",
        "A value that doesn't follow the grammar of RFC 8659 permits nobody, whatever it was meant to say.",
        "Add the record that the message names, and correct or remove the malformed one.",
    ),
    "caa_account_changed": (
        "error", "A CAA record names a former account",
        "It allows the provider for one account only, and this host orders by another one since it registered anew.",
        "Put the record that the message names in the place of the former one.",
    ),
    "caa_not_everywhere": (
        "error", "A CAA record is not at every name server yet",
        "It was added, but a CA may ask the server that does not show it, and would refuse.",
        "It is tried again by itself; if it stays, look at how that name server gets its copy of the zone.",
    ),
    "caa_renewed": (
        "info", "A CAA record was changed for the new account",
        "It named an account that this host had before it registered anew at the provider.",
        "Nothing to do.",
    ),
    "caa_only_ours": (
        "info", "The first CAA record of a zone was added",
        "The option for CAA records says always, so the provider's own record was added where there was none. No other "
        "CA may issue for the zone from now on.",
        "Choose `when needed` if other CAs are used as well, and run `autossl dns undo`.",
    ),
    "caa_odd": (
        "warning", "A CAA record that not every CA reads alike",
        "By the RFC it allows the provider, but some CAs compare letter by letter, or take fewer characters.",
        "Add the record that the message names beside it.",
    ),
    "caa_added": (
        "info", "A CAA record was added",
        "The zone allowed other CAs only, so the provider's own record was put beside theirs.",
        "Nothing to do; `autossl dns records` lists what was added, `autossl dns undo` takes it back.",
    ),
    "caa_would_add": (
        "info", "A CAA record would be added",
        "The zone allows other CAs only; a check puts the provider's own record beside theirs.",
        "Nothing to do; the option for CAA records says when that is done.",
    ),
    "caa_would_renew": (
        "info", "A CAA record names a former account",
        "It names the account that this host had at the provider before, and the next order replaces it.",
        "Nothing to do.",
    ),
    "caa_critical": (
        "error", "A critical CAA record that CAs don't understand",
        "A record with the critical flag and an unknown tag forbids every CA to issue (RFC 8659).",
        "Remove that record, or its critical flag.",
    ),
    "caa_lookup_failed": (
        "error", "The CAA records can't be read",
        "A CA must not issue while it gets no answer to the question for CAA records.",
        "Check the zone's name servers: they have to answer for CAA, if only that there are none.",
    ),
    "caa_identity_unknown": (
        "warning", "CAA records, and a CA that doesn't name itself",
        "The zone allows certain CAs. The provider doesn't publish its name, so nobody can tell if it is one of them.",
        "Set the provider's CAA name (`autossl provider add ... --caa NAME`).",
    ),
}
