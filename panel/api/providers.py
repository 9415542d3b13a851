"""Which CA is in use: list, choose, register anew, disable."""

from __future__ import annotations

from typing import Any

from jobs.policy.access import Right
from jobs.ports import Eab
from jobs.wiring import custom_provider, providers
from panel.api.parameters import ADDRESS, WORD, Parameter
from panel.api.registry import BIT, MAYBE_NUMBER, MAYBE_TEXT, TEXT, Call, Function, payload, shape

DAY = 24 * 3600
_METHODS = {"http-01": "http", "dns-01": "dns"}
"""As WHM names them; any other method has the name that ACME gives it."""

_SPECS = shape(
    DCV_METHODS={"type": "array", "items": TEXT},
    SUPPORTS_ANCESTOR_DCV=BIT,
    MAX_DOMAINS_PER_CERTIFICATE=MAYBE_NUMBER,
    DELIVERY_METHOD=TEXT,
    AVERAGE_DELIVERY_TIME=MAYBE_NUMBER,
    HTTP_DCV_MAX_REDIRECTS=MAYBE_NUMBER,
    RATE_LIMIT_CERTIFICATES_PER_REGISTERED_DOMAIN_PER_WEEK=MAYBE_NUMBER,
    SUPPORTS_WILDCARD=BIT,
    VALIDITY_PERIOD=MAYBE_NUMBER,
)


def listed(call: Call) -> dict[str, Any]:
    return {"payload": [_shown(one) for one in providers.list_providers(call.instance)]}


def use(call: Call) -> None:
    providers.use(
        call.instance, _name(call), call.values["x_terms_of_service_accepted"] or False, call.values["x_contact"],
        _binding(call),
    )


def reset(call: Call) -> None:
    accepted = call.values["x_terms_of_service_accepted"] or False
    providers.reset(call.instance, _name(call), _binding(call), accepted, call.values["x_contact"])


def disable(call: Call) -> None:
    providers.disable()


def _name(call: Call) -> str:
    """Ours are in small letters, so that a client that knows `LetsEncrypt` finds it."""
    return str(call.values["provider"]).lower()


def _binding(call: Call) -> Eab | None:
    return custom_provider.typed_eab(call.values["x_eab_kid"], call.values["x_eab_hmac_key"])


def _shown(facts: dict[str, Any]) -> dict[str, Any]:
    """What the CA does not publish is null."""
    specs = facts["specs"]
    return {
        "display_name": facts["title"],
        "module_name": facts["name"],
        "enabled": int(facts["current"]),
        "specs": {
            "DCV_METHODS": [_METHODS.get(method, method) for method in specs["dcv_methods"]],
            "SUPPORTS_ANCESTOR_DCV": int(specs["ancestor_dcv"]),
            "MAX_DOMAINS_PER_CERTIFICATE": specs["max_names"],
            "DELIVERY_METHOD": specs["delivery_method"],
            "AVERAGE_DELIVERY_TIME": specs["delivery_time"],
            "HTTP_DCV_MAX_REDIRECTS": specs["max_redirects"],
            "RATE_LIMIT_CERTIFICATES_PER_REGISTERED_DOMAIN_PER_WEEK": specs["weekly_limit"],
            "SUPPORTS_WILDCARD": int(specs["wildcard"]),
            "VALIDITY_PERIOD": None if specs["validity"] is None else specs["validity"] * DAY,
        },
        "x_account_id": facts["account"],
        "x_terms_of_service": facts["terms_url"],
        "x_terms_of_service_accepted": facts["terms_accepted"],
    }


_PROVIDER = Parameter("provider", WORD, "a module_name of get_autossl_providers")
_TERMS = Parameter(
    "x_terms_of_service_accepted", ADDRESS,
    "the address of the terms of service that you accept; refused if the CA has others by now", required=False,
)
_CONTACT = Parameter("x_contact", WORD, "the mail address that the CA gets", required=False)
_EAB = (
    Parameter("x_eab_kid", ADDRESS, "the key id of the external account binding that the CA gave", required=False),
    Parameter("x_eab_hmac_key", ADDRESS, "its HMAC key, in base64url", required=False, secret=True),
)

FUNCTIONS = (
    Function(
        "get_autossl_providers", "The CAs, the one in use first, and what each offers", Right.SEE_HOST, listed,
        data=payload(
            display_name=TEXT, module_name=TEXT, enabled=BIT, specs=_SPECS, x_account_id=MAYBE_TEXT,
            x_terms_of_service=MAYBE_TEXT, x_terms_of_service_accepted=MAYBE_TEXT,
        ),
    ),
    Function(
        "set_autossl_provider", "Take certificates from this CA; registers an account if there is none", Right.HOST,
        use,
        (_PROVIDER, _TERMS, _CONTACT, *_EAB), changes=True,
    ),
    Function(
        "reset_autossl_provider", "Register anew at a CA: a new account with a new key", Right.HOST, reset,
        (_PROVIDER, _TERMS, _CONTACT, *_EAB), changes=True,
    ),
    Function("disable_autossl", "Order nothing any more", Right.HOST, disable, changes=True),
)
