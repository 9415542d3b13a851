"""What can be wrong with an order: the provider, its account, and the certificate that came."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

ORDERS: dict[str, Entry] = {
    # --- the provider and its account
    "provider_disabled": (
        "error", "No provider is chosen",
        "AutoSSL is switched off: there is no CA to order from.",
        "Choose one: `autossl provider use NAME --accept-terms`.",
    ),
    "provider_exists": (
        "error", "A provider of that name exists",
        "Names of providers are unique, the built-in ones included.",
        "Choose another name, or remove the existing provider first.",
    ),
    "provider_unknown": (
        "error", "No such provider",
        "Neither a built-in provider nor one that was added has this name.",
        "See `autossl provider list`.",
    ),
    "provider_not_registered": (
        "error", "No account at the provider yet",
        "The provider issues nothing before an account is registered there.",
        "Register: `autossl provider use NAME --accept-terms`.",
    ),
    "account_key_missing": (
        "error", "The key of the account at the provider is gone",
        "The registration is known, but its key file can't be read; without it nothing can be ordered.",
        "Restore instance/keys/ from a backup, or make a new account: `autossl provider reset NAME`.",
    ),
    "terms_not_accepted": (
        "error", "The provider's terms are not accepted",
        "A CA opens an account only for who agrees to its terms of service.",
        "Read the terms and accept them: `autossl provider use NAME --accept-terms`.",
    ),
    "contact_invalid": (
        "error", "The contact address is not one",
        "The provider gets one mail address as the contact of the account.",
        "Correct check.contact in config.toml.",
    ),
    "directory_invalid": (
        "error", "Not the URL of an ACME directory",
        "An ACME directory has an https URL without a user name.",
        "Take the URL from the CA's documentation.",
    ),
    "eab_required": (
        "error", "The provider wants an external account binding",
        "It opens ACME accounts only for its customers, who get a key id and an HMAC key from it.",
        "Get both from the CA's site and give them: `--eab-kid K --eab-hmac-file FILE`.",
    ),
    "eab_invalid": (
        "error", "The external account binding can't be used",
        "It consists of a key id and an HMAC key in base64url, exactly as the CA shows them.",
        "Copy both again from the CA's site.",
    ),
    "account_missing": (
        "error", "No account at the provider",
        "The provider issues only to registered accounts.",
        "Register: `autossl provider use NAME --accept-terms`.",
    ),
    "account_gone": (
        "error", "The provider doesn't know the account any more",
        "It was lost there, or the directory is another one than before, and no new one could be made.",
        "Make a new registration: `autossl provider reset NAME`.",
    ),
    "account_renewed": (
        "warning", "A new account at the provider",
        "The provider did not know the former one any more. Its terms are still those that were accepted.",
        "Nothing to do. Where somebody else has the zone, a CAA record with `accounturi` has to name the new account.",
    ),
    "account_deactivated": (
        "error", "The account at the provider is deactivated",
        "The provider takes no orders from it any more. Certificates in use stay.",
        "If that was not meant, make a new registration: `autossl provider reset NAME`.",
    ),
    "terms_changed": (
        "error", "The provider's terms have changed",
        "It issues nothing before the new terms are agreed to. Certificates in use stay.",
        "Read and accept them: `autossl provider use NAME --accept-terms`.",
    ),
    "provider_fallback": (
        "warning", "Another provider is tried",
        "The one before it in the order is down, or refuses for good; the message says which.",
        "Nothing to do: a certificate of any of the chosen providers does. Later renewals go to the current one again.",
    ),
    # --- what the CA answers
    "ca_unreachable": (
        "error", "The provider can't be reached",
        "No connection to the CA came about, or its certificate isn't trusted.",
        "Check this host's network and clock; it is tried again by itself.",
    ),
    "ca_unavailable": (
        "error", "The provider is down",
        "The CA answers with an error of its own.",
        "See the CA's status page; it is tried again by itself.",
    ),
    "ca_not_acme": (
        "error", "The provider doesn't speak ACME",
        "Something else came than an ACME server sends: often a proxy's or maintenance page.",
        "Check the directory URL; it is tried again by itself.",
    ),
    "ca_bundle_unreadable": (
        "error", "The provider's CA bundle can't be read",
        "The file with the certificates that the CA's own https is checked by is missing or damaged.",
        "Give it again: `autossl provider add NAME --ca-bundle FILE`.",
    ),
    "ca_rate_limited": (
        "warning", "The provider's limit is reached",
        "The CA issues only so much in a time. The order waits until the time that the CA named.",
        "Nothing to do; fewer failing names help not to reach the limit.",
    ),
    "ca_bad_nonce": (
        "error", "The provider keeps refusing the nonce",
        "ACME requests carry a number used once; the CA refused it each time.",
        "It is tried again by itself; choose another provider if it goes on.",
    ),
    "ca_bad_token": (
        "error", "The provider's token can't be a file name",
        "A challenge token has only letters, digits, '-' and '_'. Nothing was written.",
        "Choose another provider; this CA doesn't keep to RFC 8555.",
    ),
    "ca_other_names": (
        "error", "The provider asks about names that were not ordered",
        "An order and its authorizations are for the names that were asked for, and no proof is given for others.",
        "Choose another provider; this CA doesn't keep to RFC 8555.",
    ),
    "ca_refused": (
        "error", "The provider refused the order",
        "The message has the CA's own words.",
        "Do what these words ask for.",
    ),
    "ca_rejected_name": (
        "error", "The provider doesn't issue for a name",
        "Its policy forbids that name: often a well-known one, or one under a blocked ending.",
        "Exclude the name, or choose another provider.",
    ),
    "ca_caa": (
        "error", "The provider found CAA records that forbid it",
        "The CA sees records which this host doesn't, or which changed meanwhile.",
        "Add a CAA record that names the provider, at every name server of the zone.",
    ),
    "ca_already_replaced": (
        "warning", "The former certificate was replaced already",
        "The CA takes each certificate to be replaced only once.",
        "Nothing to do; it is ordered again without that hint.",
    ),
    "ca_bad_certificate": (
        "error", "The provider sent no certificate",
        "The download held something else.",
        "It is tried again by itself; choose another provider if it goes on.",
    ),
    "order_gone": (
        "warning", "The provider doesn't know the order any more",
        "Unfinished orders expire at the CA.",
        "Nothing to do; a new one is made.",
    ),
    "order_given_up": (
        "error", "The provider never finished the order",
        "It was asked for a week, ever more seldom, and then given up.",
        "Nothing to do; a new one is made. If that one hangs as well, choose another provider.",
    ),
    "no_challenge": (
        "error", "The provider offers no way of validation that fits",
        "The CA wants a proof which this host can't give for the name.",
        "Exclude the name, or choose another provider.",
    ),
    "validation_failed": (
        "error", "The provider could not validate a name",
        "The CA asked for the challenge and didn't get the right answer. The message has its own words.",
        "Check from outside that the name leads to this host on port 80, by IPv4 and IPv6.",
    ),
    # --- the certificate that came
    "certificate_chain_broken": (
        "error", "The chain of the certificate is broken",
        "The CA's certificates don't follow each other, leaf first. It was not installed.",
        "Nothing to do here; it is ordered again. If it goes on, choose another provider.",
    ),
    "certificate_expired": (
        "error", "The certificate is out of date already",
        "Its last day has passed. It was not installed.",
        "Check this host's clock.",
    ),
    "certificate_not_yet_valid": (
        "error", "The certificate is not valid yet",
        "Its first day lies in the future. It was not installed.",
        "Check this host's clock.",
    ),
    "certificate_key_mismatch": (
        "error", "The certificate belongs to another key",
        "A web server would not start with this pair. It was not installed.",
        "Nothing to do here; it is ordered again with a new key.",
    ),
    "certificate_no_san": (
        "error", "The certificate names nobody",
        "It has no subjectAltName, so that every browser refuses it. It was not installed.",
        "Choose another provider; this CA doesn't issue usable certificates.",
    ),
    "certificate_wrong_names": (
        "error", "The certificate is for other names",
        "It doesn't cover what was ordered. It was not installed.",
        "Choose another provider if it happens again.",
    ),
    "certificate_test_issuer": (
        "error", "A test certificate",
        "It comes from a CA that browsers don't trust, while the provider is not a test one. It was not installed.",
        "Check the provider's directory URL.",
    ),
    "certificate_not_loadable": (
        "error", "No server could load the certificate",
        "A key or a signature in its chain is too weak for the TLS library of this system, or it can't be read. A web "
        "server that loads it may end, so it was not installed.",
        "Ask the CA for a chain with RSA keys of 2048 bits or more, or ECDSA, and SHA-256 or better.",
    ),
    "certificate_weak_key": (
        "error", "The certificate has a weak key",
        "RSA keys below 2048 bits are refused everywhere. It was not installed.",
        "Choose another key type in config.toml (check.key_type).",
    ),
}
