"""Every function of the API. Adding one is adding an entry to the list of its subject."""

from __future__ import annotations

from panel.api import checks, exclusions, features, logs, metadata, pending, problems, providers
from panel.api.registry import Function

FUNCTIONS: tuple[Function, ...] = (
    *providers.FUNCTIONS,
    *checks.FUNCTIONS,
    *logs.FUNCTIONS,
    *metadata.FUNCTIONS,
    *exclusions.FUNCTIONS,
    *problems.FUNCTIONS,
    *pending.FUNCTIONS,
    *features.FUNCTIONS,
)

LEFT_OUT = {
    "SSL::set_default_key_type": "the key type belongs to a feature list or to the installation, not to an account",
    "SSL::can_ssl_redirect": "this program does not change what a website answers",
    "SSL::toggle_ssl_redirect_for_domains": "this program does not change what a website answers",
    "DCV::check_domains_via_http": "names are tried with an ACME token that the web server itself answers, so no file "
    "name, directory or alphabet can be chosen; a check tries every name and keeps the reason, see "
    "SSL::get_autossl_problems",
    "DCV::check_domains_via_dns": "as DCV::check_domains_via_http",
    "DCV::ensure_domains_can_pass_dcv": "as DCV::check_domains_via_http; it is outdated in UAPI as well",
}
"""Functions near AutoSSL that have no meaning here, and why."""
