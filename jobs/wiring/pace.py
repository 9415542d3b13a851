"""How often the clock has to look, as of the certificates that are in use now."""

from __future__ import annotations

from datetime import datetime, timedelta

import models
from jobs.policy.tick import AFFECTED, tick_every


def look_every(now: datetime) -> timedelta:
    """As short as the shortest-lived certificate needs it. Answered by an index: what lives so short that it matters
    ends soon, or has just ended; what ended long ago is nobody's any more."""
    row = models.Certificate
    near = (row.not_after > now - AFFECTED) & (row.not_after < now + AFFECTED)
    gone = models.Website.select(models.Website.main).where(models.Website.gone_at.is_null(False))
    rows = row.select(row.not_before, row.not_after).where(row.retired_at.is_null() & near & row.website.not_in(gone))
    return tick_every(min((ends - begins for begins, ends in rows.tuples()), default=None))
