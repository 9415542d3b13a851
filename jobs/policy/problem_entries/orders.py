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
    "certificate_weak_key": (
        "error", "The certificate has a weak key",
        "RSA keys below 2048 bits are refused everywhere. It was not installed.",
        "Choose another key type in config.toml (check.key_type).",
    ),
}
