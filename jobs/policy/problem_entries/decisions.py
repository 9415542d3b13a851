"""What a check decided about a website, and why: most of it is no problem, all of it stands in logs."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

DECISIONS: dict[str, Entry] = {
    # --- nothing to do
    "fine": (
        "info", "The certificate is fine",
        "It covers every name that it can cover, and isn't due.",
        "Nothing to do.",
    ),
    "nothing_gained": (
        "info", "Nothing to gain now",
        "The certificate isn't due, and no further name would validate.",
        "Look at the names that failed, if they should be covered.",
    ),
    "all_excluded": (
        "info", "Every name is excluded",
        "Nobody wants a certificate for this website.",
        "Include a name if there should be one.",
    ),
    "foreign_certificate": (
        "info", "A certificate of somebody else's is in use",
        "It was not ordered here, so it is left alone as long as it is valid.",
        "Nothing to do; the website's page says who looks after it, and how AutoSSL takes it over.",
    ),
    "foreign_invalid": (
        "warning", "A certificate of somebody else's is of no use",
        "It has ended or is about to, was revoked, can't be read, has a weak key or is for other names. It was not"
        " ordered here, so it is left alone.",
        "Renew it where it was ordered, or have AutoSSL take the website over: its page has the switch.",
    ),
    "account_skipped": (
        "info", "The account was skipped",
        "It is suspended, or AutoSSL is switched off for it.",
        "Enable AutoSSL for the account if it should have certificates.",
    ),
    "guess_unused": (
        "info", "A guessed name is not in use",
        "Names such as webmail. are tried for every website; this one doesn't exist and isn't asked for any more.",
        "Nothing to do; add a DNS record if the name should be covered.",
    ),
    # --- something to do
    "no_certificate": (
        "warning", "There is no certificate yet",
        "Visitors get a warning, or another website's certificate.",
        "It is ordered by itself.",
    ),
    "expired": (
        "error", "The certificate has expired",
        "Visitors get a warning.",
        "It is ordered by itself; if this stays, look at what keeps the order from succeeding.",
    ),
    "revoked": (
        "error", "The CA has revoked the certificate",
        "It is on the list that the CA publishes, so browsers and mail programs may refuse it.",
        "A new one is ordered by itself, with a new key. The CA's website says why it revoked the old one.",
    ),
    "weak": (
        "warning", "The certificate's key is too weak",
        "Browsers and mail programs refuse such keys.",
        "It is replaced by itself.",
    ),
    "wrong": (
        "warning", "The certificate is for other names",
        "It covers none of the website's names, so visitors get a warning.",
        "It is replaced by itself.",
    ),
    "test_certificate": (
        "warning", "The certificate is one for trying things out",
        "It is of a test CA, such as Let's Encrypt staging, so visitors get a warning.",
        "It is replaced by itself, for the provider in use is not a test CA.",
    ),
    "set_damaged": (
        "warning", "The stored certificate is damaged",
        "Files of it are gone, or its key is another one's, so that it can't be installed any more.",
        "A new one is ordered by itself. Find out who changes files below the instance's tls/ folder.",
    ),
    "due": (
        "info", "The certificate is due for renewal",
        "It is valid still, and a new one is ordered.",
        "Nothing to do.",
    ),
    "names_missing": (
        "warning", "Names are not covered yet",
        "The website has names that its certificate doesn't cover.",
        "They are ordered by themselves once they validate.",
    ),
    "not_installed": (
        "warning", "The certificate is not in use everywhere",
        "A service doesn't present it yet.",
        "It is installed by itself.",
    ),
    "issued": (
        "info", "A certificate was issued",
        "The provider has sent it, and it is installed next.",
        "Nothing to do.",
    ),
    "order_pending": (
        "info", "The provider has not finished",
        "The order goes on in the pending queue.",
        "Nothing to do; see the pending queue for the next try.",
    ),
    # --- something stands in the way
    "ca_limit_near": (
        "info", "Waits for the provider's limit",
        "The CA issues only so much in a time. What would go beyond is not asked for before its turn comes.",
        "Nothing to do: it goes on by itself at the time that is named.",
    ),
    "backoff": (
        "warning", "Waiting after a failure",
        "Trying again at once would only use up the provider's limits.",
        "Correct the cause and press Check, which tries now.",
    ),
    "all_names_failed": (
        "error", "No name would validate",
        "Nothing was ordered, because the provider would refuse every name.",
        "Look at the names, each says what is wrong with it.",
    ),
    "coverage_blocked": (
        "warning", "A failing name keeps others waiting",
        "A name that is covered now would be lost, so the certificate stays as it is.",
        "Correct that name, or exclude it if it isn't wanted any more.",
    ),
    "deferred": (
        "warning", "The renewal is deferred",
        "A name that is covered now would be lost. There is time left, so it is waited for until just before expiry.",
        "Correct that name, or exclude it if it isn't wanted any more.",
    ),
    "reduced_coverage": (
        "warning", "Renewed with fewer names",
        "There was no more time to wait for a name that failed, so the others were renewed without it.",
        "Correct that name; it is added again by itself.",
    ),
    "over_cap": (
        "warning", "More names than the provider allows",
        "A certificate of this provider holds only so many names; the last ones were left off.",
        "Exclude names that nobody uses, or choose a provider with a higher limit.",
    ),
    "seen_inside": (
        "info", "Not told to the website's owner",
        "It tells of this host's inside: what answers at an address that the Internet can't reach, or how its zones are"
        " written.",
        "Nothing to do.",
    ),
    "split_off": (
        "warning", "Secured for mail only",
        "The website has more names than one certificate of this provider holds. This one is on a further certificate,"
        " which mail services present; the web server can't.",
        "Exclude names that nobody uses, allow a wildcard, or choose a provider with a higher limit.",
    ),
    "wildcard_unsupported": (
        "warning", "The provider issues no wildcards",
        "The website lists a wildcard, which this provider does not certify.",
        "Exclude it, or choose a provider that issues wildcards.",
    ),
    "wildcard_barred": (
        "warning", "The wildcard would cover other names",
        "It would be valid for a name that was excluded, or that another account has.",
        "List the names one by one instead of the wildcard.",
    ),
}
