"""Asks DNS and the web, before a CA is bothered, which names would validate (behaviour section 4)."""

from jobs.preflight.permission import Issuer
from jobs.preflight.run import Setting, preflight

__all__ = ["Issuer", "Setting", "preflight"]
