"""What a person or a script sees: the web application and the command line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

_HERE = Path(__file__).parent
COOKIE_LIFETIME = timedelta(hours=8)
"""Of what a browser holds before the sign-in; from then on the limits of its session count."""
LARGEST_BODY = 64 * 1024


def create_app(instance_dir: Path) -> Flask:
    """Make the web application of one installation.

    Raises Failure("instance_missing"), Failure("config_invalid"), Failure("key_unreadable").
    """
    from flask import Flask  # the command line imports this package too, and must start quickly

    from jobs.wiring.instance import open_instance
    from jobs.wiring.people import secret_key
    from jobs.wiring.sessions import limits
    from panel import access, assets, audit, header, headers, hx, login, tabs, wording
    from panel.sessions import Sessions

    instance = open_instance(Path(instance_dir))
    app = Flask(__name__, template_folder=str(folder("templates")), static_folder=str(folder("static")))
    app.config.update(
        SECRET_KEY=secret_key(instance.place),
        SESSION_COOKIE_NAME="__Host-autossl",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=COOKIE_LIFETIME,
        MAX_CONTENT_LENGTH=LARGEST_BODY,
    )
    app.url_map.merge_slashes = False  # else a redirect by an address made of the Host header
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "finalize": wording.shown}
    app.extensions["autossl"] = instance
    hx.set_up(app)
    assets.set_up(app)
    app.session_interface = Sessions(limits(instance.config.panel))
    audit.guard(app)
    access.guard(app)
    headers.guard(app, instance.database)
    login.set_up(app)
    app.jinja_env.globals.update(header=header.header, under_way=header.under_way)
    app.jinja_env.filters["visible"] = wording.visible
    app.jinja_env.tests["web_address"] = wording.is_web_address
    modules = _pages()
    for module in modules:
        app.register_blueprint(module.pages)
    tabs.set_up(app, [module.TAB for module in modules if hasattr(module, "TAB")])
    access.check(app)
    audit.check(app)
    instance.close()
    return app


def _pages() -> tuple[ModuleType, ...]:
    """Every module with a blueprint (`pages`). Those with a `TAB` stand in the navigation, in this order."""
    from panel import (
        api,
        audit,
        doctor,
        health,
        login,
        logs,
        metrics,
        options,
        overview,
        own_tokens,
        providers,
        queue,
        running,
        second_factor,
        security,
        setup_link,
        status,
        users,
    )

    return (
        overview,
        providers,
        options,
        logs,
        users,
        queue,
        status,
        audit,
        doctor,
        running,
        security,
        second_factor,
        own_tokens,
        login,
        setup_link,
        health,
        metrics,
        api,
    )


def folder(name: str) -> Path:
    """`templates` or `static`: inside the package in an installed wheel, beside it in a checkout."""
    packed = _HERE / name
    return packed if packed.is_dir() else _HERE.parent / name
