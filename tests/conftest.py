from __future__ import annotations

pytest_plugins = ["tests.moved_inside"]
