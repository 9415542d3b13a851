"""The tab Options."""

from __future__ import annotations

import dataclasses
import re
import stat
from dataclasses import dataclass, field
from datetime import time
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

import models
from jobs import registry
from jobs.policy.access import Role
from jobs.policy.options import NotifyLevel, Options
from jobs.wiring import options, plugin_options
from jobs.wiring.instance import Instance, open_instance, setting
from tests.panel import seed
from tests.panel.browser import Browser, add
from tests.panel.command_line import Line


@pytest.fixture
def admin(browser: Browser) -> Browser:
    browser.sign_in()
    models.database.connect(reuse_if_open=True)
    return browser


@pytest.fixture
def instance(app: Flask, line: Line) -> Instance:
    return open_instance(line.instance)


@dataclass(frozen=True)
class MailOptions:
    host: str = field(default="localhost", metadata={"label": "SMTP host", "help": "Where mail is handed in."})
    port: int = field(default=25, metadata={"label": "Port", "help": ""})
    password: str = field(default="", metadata={"label": "SMTP password", "help": "", "secret": True})


class Post:
    addressed = True

    def __init__(self, options: MailOptions) -> None:
        pass

    def active(self) -> bool:
        return False


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> registry.Plugin:
    """As if a file `jobs/notifiers/post.py` had been added."""
    plugin = registry.Plugin("notifiers", "post", "Mail by SMTP", MailOptions, Post)
    monkeypatch.setattr(registry, "names", lambda package: ("post",) if package == "notifiers" else ())
    monkeypatch.setattr(registry, "load", lambda package, name: plugin)
    monkeypatch.setattr(registry, "load_all", lambda package: (plugin,) if package == "notifiers" else ())
    return plugin


def form(**changes: str) -> dict[str, str]:
    """The form as the page has it, with changes; an unchecked box is not sent."""
    plain = {key: " ".join(value) if isinstance(value, tuple) else value
             for key, value in dataclasses.asdict(Options()).items()}
    values = {key: str(value) for key, value in plain.items() if not isinstance(value, bool)}
    return {**values, **changes}


def save(browser: Browser, **changes: str) -> TestResponse:
    return browser.post("/options", "/security", **form(**changes))


def kept() -> dict[str, Any]:
    models.database.connect(reuse_if_open=True)
    found: dict[str, Any] = setting(options.KEY, {})
    return found


def test_every_option_stands_on_the_page_with_its_help(admin: Browser) -> None:
    page = admin.get("/options").text
    for one in dataclasses.fields(Options):
        assert f'name="{one.name}"' in page and f'<label for="{one.name}"' in page
        assert f'id="{one.name}-help"' in page
    assert page.count("<h1") == 1
    assert "EV, OV" in page and "The nightly check begins at" in page
    assert page.count("None is installed.") == sum(not registry.names(name) for name in ("dns_backends", "notifiers"))


def test_options_are_saved_and_only_what_was_changed(admin: Browser) -> None:
    answer = save(admin, notify_user="failures", log_days="14", key_type="rsa-2048")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/options")
    assert kept() == {"notify_user": "failures", "log_days": 14, "key_type": "rsa-2048"}
    assert "The options are saved." in admin.get("/options").text
    assert save(admin, notify_user="failures", log_days="14", key_type="rsa-2048").status_code == 303
    assert "Nothing was changed." in admin.get("/options").text
    found = [(row.object, row.result) for row in models.AuditEntry.select() if row.action == "options.save"]
    assert found == [("notify_user=failures key_type=rsa-2048 log_days=14", "done"), ("", "done")]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("notify_user", "loud", "xpected one of"),
        ("caa", "", "xpected one of"),
        ("key_type", "rsa-512", "xpected one of"),
        ("log_days", "0", "xpected 1 to 3650 days"),
        ("log_days", "99999999999999999", "xpected a whole number"),
        ("log_days", "<b>", "xpected a whole number"),
        ("nightly", "24:00", "xpected a time such as 03:17"),
        ("nightly", "3:17\x07", "without control characters"),
        ("nightly", "x" * 5000, "at most 4096"),
    ],
)
def test_bad_input_is_refused_beside_its_field(admin: Browser, name: str, value: str, said: str) -> None:
    answer = save(admin, **{name: value, "log_days": value if name == "log_days" else "7"})
    assert answer.status_code == 422
    start = answer.text.index(f'id="{name}-error">')
    assert said in answer.text[start : start + 200]
    assert kept() == {}, "and nothing of the rest was saved"


def test_a_form_that_lost_its_fields_saves_nothing(admin: Browser) -> None:
    assert admin.post("/options", "/security").status_code == 422
    assert kept() == {}


def test_replacing_certificates_of_others_is_switched_on_after_its_warning(admin: Browser) -> None:
    answer = save(admin, replace_foreign="1", log_days="14")
    assert answer.status_code == 200 and "extended or organization validation" in answer.text
    assert kept() == {}
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text))
    hidden.pop("csrf_token")
    assert hidden["confirmed"] == "1"
    assert admin.post("/options", "/security", **hidden).status_code == 303
    assert kept() == {"replace_foreign": True, "log_days": 14}
    assert save(admin, replace_foreign="1", log_days="15").status_code == 303, "it is asked once"
    assert save(admin).status_code == 303 and not kept()["replace_foreign"]


def test_the_running_clock_moves_with_the_nightly_time(app: Flask, admin: Browser) -> None:
    moved: list[time] = []

    class Clock:
        def move_nightly(self, at: time) -> None:
            moved.append(at)

        def next_nightly(self) -> None:
            return None

    class Running:
        clock = Clock()

        def wake(self) -> None: ...

    app.extensions["background"] = Running()
    assert save(admin, nightly="03:17").status_code == 303
    assert moved == [time(3, 17)]
    assert "begins at 03:17" in admin.get("/options").text
    assert save(admin, nightly="3:17").status_code == 422
    assert len(moved) == 1


def test_the_tab_is_for_administrators(browser: Browser, app: Flask) -> None:
    assert browser.get("/options").headers["Location"].startswith("/login")
    models.database.connect(reuse_if_open=True)
    seed.accounts(1)
    add("ann", Role.USER, "user00000")
    models.database.close()
    browser.sign_in("ann")
    assert browser.get("/options").status_code == 403
    assert save(browser).status_code == 403


def test_a_plugin_has_a_form_the_moment_its_file_is_there(admin: Browser, mail: registry.Plugin) -> None:
    page = admin.get("/options").text
    for shown in ("<h3>Mail by SMTP</h3>", 'name="notifiers-post-host" value="localhost"', "Where mail is handed in.",
                  'type="password" id="notifiers-post-password"'):
        assert re.sub(r" aria-describedby=\"[^\"]*\"", "", page).count(shown) == 1, shown
    assert page.count("None is installed.") == 1, "of DNS backends"


def test_a_plugins_options_are_kept_and_its_secrets_in_a_file(
    admin: Browser, mail: registry.Plugin, instance: Instance
) -> None:
    data = {"notifiers-post-host": "mail.test", "notifiers-post-port": "25", "notifiers-post-password": "hush hush"}
    assert admin.post("/options/notifiers/post", "/security", **data).status_code == 303
    models.database.connect(reuse_if_open=True)
    assert plugin_options.load(instance, mail) == MailOptions("mail.test", 25, "hush hush")
    secret = instance.place.keys / "notifiers.post.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600 and "hush" in secret.read_text()
    assert setting("options.notifiers.post", {}) == {"host": "mail.test"}
    page = admin.get("/options").text
    assert "hush" not in page and "kept; type to change it" in page
    data["notifiers-post-password"] = ""
    assert admin.post("/options/notifiers/post", "/security", **data).status_code == 303
    models.database.connect(reuse_if_open=True)
    assert plugin_options.load(instance, mail).password == "hush hush", "left empty it stays"
    assert not any("hush" in str(row.__data__) for row in models.AuditEntry.select())


def test_a_plugins_bad_input_is_refused_beside_its_field(
    admin: Browser, mail: registry.Plugin, instance: Instance
) -> None:
    answer = admin.post("/options/notifiers/post", "/security", **{"notifiers-post-port": "many"})
    assert answer.status_code == 422 and 'id="notifiers-post-port-error"' in answer.text
    models.database.connect(reuse_if_open=True)
    assert plugin_options.load(instance, mail) == MailOptions()
    for path in ("/options/notifiers/nothing", "/options/services/apache", "/options/providers/custom"):
        assert admin.post(path, "/security").status_code == 404


def test_what_is_chosen_wins_over_the_configuration_and_the_rest_follows_it(
    instance: Instance, mail: registry.Plugin
) -> None:
    config = dataclasses.replace(instance.config, plugins={"notifiers": {"post": {"host": "a.test", "port": 587}}})
    configured = dataclasses.replace(instance, config=config)
    assert plugin_options.load(configured, mail) == MailOptions("a.test", 587)
    plugin_options.save(configured, mail, MailOptions("b.test", 587))
    assert plugin_options.load(configured, mail) == MailOptions("b.test", 587)
    assert plugin_options.load(instance, mail).port == 25


def test_the_levels_are_named_as_people_call_them(admin: Browser) -> None:
    page = admin.get("/options").text
    assert f'<option value="{NotifyLevel.WARNINGS}" selected>Failures, warnings and deferrals</option>' in page
