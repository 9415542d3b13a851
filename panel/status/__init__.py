"""The SSL/TLS Status tab: one account as its owner sees it."""

from __future__ import annotations

from panel.status import choices, name, names, preview, run, takeover, websites
from panel.status.account import TAB, pages

__all__ = ["TAB", "choices", "name", "names", "pages", "preview", "run", "takeover", "websites"]
