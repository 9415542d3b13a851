"""Messages in brief by the library Apprise, to a webhook on this host."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from jobs.notifiers import apprise
from jobs.notifiers.apprise import Notifier, Options
from jobs.policy.failure import Failure
from tests.jobs.notifiers.mail_server import letter


class Hook:
    """Keeps what was posted; answers with `status`, after `wait` seconds."""

    def __init__(self) -> None:
        self.posted: list[Any] = []
        self.status = 200
        self.go_on = threading.Event()
        self.go_on.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                hook.go_on.wait(30)
                hook.posted.append(json.loads(content))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://user:hush-hush@127.0.0.1:{self.server.server_port}/secret-path"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.go_on.set()
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_a_webhook_gets_the_subject_and_the_brief(hook: Hook) -> None:
    assert Notifier(Options(hook.url)).send(letter("")) == "taken by JSON"
    (posted,) = hook.posted
    assert (posted["title"], posted["message"]) == (letter().subject, "In brief.")


def test_a_refusal_is_told_without_what_the_address_holds(hook: Hook) -> None:
    hook.status = 403
    with pytest.raises(Failure) as caught:
        Notifier(Options(f"{hook.url} {hook.url}/more")).send(letter(""))
    assert (caught.value.code, caught.value.permanent) == ("notifier_unreachable", False)
    assert "403" in caught.value.detail
    assert "hush" not in caught.value.detail and "secret" not in caught.value.detail


def test_a_service_that_never_answers_is_left_after_the_time_limit(hook: Hook) -> None:
    hook.go_on.clear()
    with pytest.raises(Failure, match="no end after 2 s") as caught:
        Notifier(Options(hook.url, timeout=2)).send(letter(""))
    assert caught.value.code == "notifier_unreachable"


def test_looking_sends_nothing(hook: Hook) -> None:
    Notifier(Options(hook.url)).check()
    assert hook.posted == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (Options("nothing-of-the-kind"), "expected URLs"),
        (Options("file:///etc/passwd"), "URL 1 is none that apprise knows"),
        (Options("json://127.0.0.1", timeout=0), "expected 1 to 120 seconds"),
    ],
)
def test_odd_options_are_told(options: Options, said: str) -> None:
    with pytest.raises(Failure, match=said):
        Notifier(options).check()


def test_without_the_library_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Failure, match=r"pip install 'autossl-panel\[apprise\]'") as caught:
        Notifier(Options("json://127.0.0.1")).send(letter(""))
    assert caught.value.code == "notifier_extra_missing"
