"""What can be wrong with what CAs say of certificates that they have issued: when to renew, and which are revoked."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

RENEWALS: dict[str, Entry] = {
    "ca_bad_window": (
        "warning", "The provider's renewal window makes no sense",
        "A CA may say when it would like a certificate renewed; this answer is ignored, and the usual time counts.",
        "Nothing to do; it is asked again after six hours.",
    ),
    "crl_unreachable": (
        "warning", "A list of revoked certificates can't be had",
        "The CA names it in its certificates. Whether one was revoked is not known until it can be had again.",
        "Nothing to do if the CA has a passing trouble; else check that this host may fetch by http.",
    ),
    "crl_unusable": (
        "warning", "A list of revoked certificates can't be believed",
        "It is not one, or the CA that issued the certificate has not signed it; what it says is ignored.",
        "Nothing to do; it is looked at again after six hours.",
    ),
}
