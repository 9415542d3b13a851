"""The panel for any WSGI server. `AUTOSSL_INSTANCE` names the installation (default ./instance)."""

from __future__ import annotations

import os
from pathlib import Path

from panel import create_app

application = create_app(Path(os.environ.get("AUTOSSL_INSTANCE", "instance")))
