"""How quickly the providers delivered on this installation, from the order's row to the stored certificate."""

from __future__ import annotations

import models

MEASURED = 100
"""Orders that are looked at, the newest ones, for each provider."""

_AVERAGES = """
SELECT name, (
    SELECT AVG(seconds) FROM (
        SELECT (julianday(finished_at) - julianday(requested_at)) * 86400 AS seconds FROM queue_entry
        WHERE queue_entry.provider = provider.name AND kind = 'order' AND state = 'done' AND finished_at IS NOT NULL
        ORDER BY finished_at DESC LIMIT ?
    )
) FROM provider
"""
"""Answered by the index of provider, kind, state and finished_at, whatever the number of orders."""


def measured() -> dict[str, float]:
    """Average seconds by provider, for those that delivered anything."""
    found = models.database.execute_sql(_AVERAGES, (MEASURED,)).fetchall()
    return {str(name): float(seconds) for name, seconds in found if seconds is not None}
