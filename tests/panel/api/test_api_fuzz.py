"""Whatever is sent to any function: an answer in its documented shape, and never a 500."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.wiring import providers
from panel.api.functions import FUNCTIONS
from panel.api.registry import Function
from tests.panel.api.api_client import EXAMPLES, check_shape, rows, script

TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="abz019.-_*@%/\\'\"{}[]:, \x00\x1b\n\u202e", max_size=80),
    st.sampled_from([
        "alice", "bob", "alice.test", "www.alice.test", "1", "0", "autossl", "{}", "[]", "null", "1e999", "NaN",
        "[" * 3000, "*.alice.test",
        '{"autossl":1}', '["autossl"]', '{"autossl":"\\ud800"}', '["\\u0000"]', "9" * 4000, "-1", "true", "../../etc",
        "2026-11-24T10:00:00.000Z", "alice.test,alice.test", ",,", "x" * 300, "xn--a.test", "ß.alice.test",
    ]),
)


def texts(value: object) -> Iterator[str]:
    """Every text in an answer; a backslash that somebody typed is no control sign."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)



@st.composite
def requests(draw: st.DrawFn) -> tuple[Function, str, list[tuple[str, str]]]:
    """A function with its example's values, some of them dropped, changed, doubled or invented."""
    function = draw(st.sampled_from(FUNCTIONS))
    sent = [("api.version", "1")] if draw(st.integers(0, 9)) else []
    for parameter in function.parameters:
        value = EXAMPLES[function.name].get(parameter.name)
        choice = draw(st.integers(0, 3))
        if choice == 0 and value is not None:
            sent.append((parameter.name, value))
        elif choice == 1:
            sent.append((parameter.name, draw(TEXTS)))
        elif choice == 2:
            number = draw(st.integers(0, 99_999))
            sent += [(f"{parameter.name}-{number}", draw(TEXTS)), (parameter.name, value or draw(TEXTS))]
    if not draw(st.integers(0, 9)):
        sent.append((draw(TEXTS), draw(TEXTS)))
    return function, draw(st.sampled_from(["GET", "POST"])), sent


def test_no_request_breaks_the_api(app: Flask) -> None:
    """Built-in CAs are left alone: choosing one asks it for its terms."""
    admin, own = script(app, "root"), script(app, "root", account="alice")
    with rows():
        real = {one["name"] for one in providers.list_providers(app.extensions["autossl"])}
    client = app.test_client()

    @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(requests())
    def send(request: tuple[Function, str, list[tuple[str, str]]]) -> None:
        function, method, sent = request
        if any(name == "provider" and value.lower() in real for name, value in sent):
            return
        values: dict[str, Any] = {}
        for name, value in sent:
            values.setdefault(name, []).append(value.encode("utf-8", "replace").decode())
        where = {"data": values} if method == "POST" else {"query_string": values}
        header = (own if function.of_account else admin).header
        answer = client.open(function.path, base_url="https://panel.example.com", method=method,
                             headers={"Authorization": header}, **where)
        assert answer.status_code != 500
        check_shape(function, answer)
        assert not any(ord(sign) < 32 and sign not in "\n\t" for text in texts(answer.get_json()) for sign in text)

    send()
