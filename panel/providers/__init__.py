"""The tab AutoSSL Providers: which CA is in use and which stand behind it, their terms and accounts, further CAs."""

from __future__ import annotations

from panel.providers import added, choice, fallbacks, renewed_account
from panel.providers.tab import TAB, pages

__all__ = ["TAB", "added", "choice", "fallbacks", "pages", "renewed_account"]
