from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

import models
from jobs.policy.access import Role
from jobs.wiring import accounts, people
from jobs.wiring.instance import Instance, create, open_instance
from panel import create_app
from tests.panel.api.api_client import Script, script
from tests.panel.browser import PASSWORD

NOWHERE = "[accounts.apache]\nbinary = '/nowhere'\n[accounts.nginx]\nbinary = '/nowhere'\n"


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The administrator `root`; the accounts `alice` (of the reseller `rita`) and `bob`, with users of these names."""
    directory = tmp_path_factory.mktemp("api") / "instance"
    create(directory)
    models.database.close()
    (directory / "config.toml").write_text(NOWHERE)
    instance = open_instance(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "METHOD", "scrypt:1024:8:1")
        people.create("root", PASSWORD, Role.ADMIN)
        people.create("rita", PASSWORD, Role.RESELLER)
        for name, names in (("alice", ["alice.test", "shop.alice.test"]), ("bob", ["bob.test"])):
            accounts.add(instance, name, None, "default", names, None)
            people.create(name, PASSWORD, Role.USER, name)
    models.Account.update(reseller="rita").where(models.Account.name == "alice").execute()
    instance.close()
    yield directory


@pytest.fixture
def app(pattern: Path, tmp_path: Path) -> Flask:
    """A panel of its own copy."""
    return create_app(Path(shutil.copytree(pattern, tmp_path / "instance")))


@pytest.fixture
def instance(app: Flask) -> Instance:
    opened: Instance = app.extensions["autossl"]
    return opened


@pytest.fixture
def admin(app: Flask) -> Script:
    return script(app, "root")


@pytest.fixture
def alice(app: Flask) -> Script:
    return script(app, "alice")
