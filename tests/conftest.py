from __future__ import annotations

import os

from hypothesis import settings

pytest_plugins = ["tests.moved_inside"]

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("AUTOSSL_HYPOTHESIS", "same"))
"""Every run tries the same inputs, so that a failure is a change's own; `AUTOSSL_HYPOTHESIS=search` looks for more."""
