"""Forms for options: every plug-in's can be shown, and what is typed is read as config.toml would be."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string

from jobs import registry
from jobs.policy.options import NOTIFY_TITLES, NotifyLevel, Options
from panel.forms import fields, read, with_errors


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Paint:
    name: str = field(metadata={"label": "Name <b>", "help": "How it is called."})
    coats: int = field(default=2, metadata={"label": "Coats"})
    litres: float = 1.5
    glossy: bool = False
    colour: Colour = Colour.RED
    second: Colour | None = None
    rooms: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    recipe: Path | None = None
    token: str = field(default="", metadata={"label": "Token", "secret": True})


GOOD = {"name": " wall ", "coats": "3", "litres": "2", "glossy": "1", "colour": "blue", "second": "",
        "rooms": "hall, attic\r\ncellar", "ports": "80 443", "recipe": "", "token": "s3cret"}


def test_what_is_typed_becomes_an_instance() -> None:
    assert read(Paint, GOOD).value == Paint(
        "wall", 3, 2.0, True, Colour.BLUE, None, ("hall", "attic", "cellar"), (80, 443), None, "s3cret"
    )


def test_an_instance_that_is_shown_and_sent_back_stays_as_it_is() -> None:
    before = Paint("wall", 3, 2.25, True, Colour.BLUE, Colour.RED, ("hall", "attic"), (80,), Path("/etc/recipe"), "x")
    sent = {one.id: one.value for one in fields(Paint, before, prefix="paint-")}
    assert sent["paint-token"] == "", "a secret was shown"
    assert read(Paint, sent, before, prefix="paint-").value == before


@pytest.mark.parametrize(
    ("name", "typed", "why"),
    [
        ("name", "", "Expected something here."),
        ("name", "a\x1b[2J", "Expected text without control characters."),
        ("name", "x" * 5000, "Expected at most 4096 characters, got 5000."),
        ("coats", "", "Expected a whole number, got ''."),
        ("coats", "two", "Expected a whole number, got 'two'."),
        ("coats", "2.5", "Expected a whole number, got '2.5'."),
        ("coats", "9" * 40, f"Expected a whole number, got '{'9' * 40}'."),
        ("coats", "٣", "Expected a whole number, got '٣'."),
        ("litres", "nan", "Expected a number, got 'nan'."),
        ("litres", "1e999", "Expected a number, got '1e999'."),
        ("colour", "green", "Expected one of red, blue, got 'green'."),
        ("second", "green", "Expected one of red, blue, got 'green'."),
        ("ports", "80 http", "Expected a whole number, got 'http'."),
        ("rooms", "hall\x00", "Expected text without control characters."),
        ("token", "a\nb", "Expected text without control characters."),
    ],
)
def test_what_does_not_go_is_said_beside_its_field(name: str, typed: str, why: str) -> None:
    found = read(Paint, {**GOOD, name: typed})
    assert found.value is None
    assert found.errors == {name: why}
    assert {one.name: one.error for one in found.fields if one.error} == {name: why}
    shown = next(one for one in found.fields if one.name == name)
    assert shown.value == ("" if name == "token" else typed[:4096])


def test_an_empty_form_names_every_field_that_needs_something() -> None:
    assert set(read(Paint, {}).errors) == {"name", "coats", "litres", "colour"}


def test_a_kept_secret_is_never_shown_and_stays_unless_it_is_typed_anew() -> None:
    before = Paint("wall", token="old")
    shown = next(one for one in fields(Paint, before) if one.name == "token")
    assert (shown.kind, shown.value, shown.kept) == ("secret", "", True)
    assert read(Paint, {**GOOD, "token": ""}, before).value.token == "old"  # type: ignore[union-attr]
    assert read(Paint, {**GOOD, "token": " new "}, before).value.token == " new "  # type: ignore[union-attr]


def test_the_template_ties_label_help_and_error_to_the_field_and_escapes_them(app: Flask) -> None:
    found = read(Paint, {**GOOD, "name": '"><script>', "coats": "<i>"})
    source = "{% from '_forms.html' import fields %}{{ fields(all) }}"
    with app.test_request_context("/"):
        html = render_template_string(source, all=with_errors(found.fields, {"name": "Is taken <already>."}))
    assert '<label for="name">Name &lt;b&gt;</label>' in html
    assert 'id="name" name="name" aria-describedby="name-help name-error" aria-invalid="true"' in html
    assert 'value="&#34;&gt;&lt;script&gt;"' in html and "<script>" not in html
    assert '<small class="wrong" id="name-error">Is taken &lt;already&gt;.</small>' in html
    assert "got &#39;&lt;i&gt;&#39;" in html
    assert '<option value="blue" selected>' in html
    assert "s3cret" not in html


def test_choices_can_have_titles() -> None:
    shown = fields(Options, titles={"notify_user": NOTIFY_TITLES, "notify_admin": NOTIFY_TITLES})
    assert shown[0].choices[0] == ("all", NOTIFY_TITLES[NotifyLevel.ALL])
    assert shown[0].value == "warnings"


PLUGINS = [(package, name) for package in registry.PORT_CLASS for name in registry.names(package)]


@pytest.mark.parametrize(("package", "name"), PLUGINS)
def test_the_options_of_every_plugin_make_a_form_and_come_back_as_they_are(
    app: Flask, package: str, name: str
) -> None:
    kind: Any = registry.load(package, name).options
    shown = fields(kind, prefix=f"{name}-")
    found = read(kind, {one.id: one.value for one in shown}, prefix=f"{name}-")
    if any(one.required for one in shown):
        assert set(found.errors) == {one.name for one in shown if one.required}
    else:
        assert found.value == kind()
    with app.test_request_context("/"):
        render_template_string("{% from '_forms.html' import fields %}{{ fields(all) }}", all=shown)


def test_a_type_without_a_field_is_a_mistake_of_the_program() -> None:
    @dataclass(frozen=True)
    class Odd:
        one: dict[str, str] = field(default_factory=dict)

    with pytest.raises(TypeError, match="no form field"):
        fields(Odd)
