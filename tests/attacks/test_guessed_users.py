"""A stranger finds out which users there are, by what the panel says or how long it thinks: he does not. Nor does he
keep anybody from pages by guessing."""

from __future__ import annotations

import re
import threading
import time
from statistics import median

import pytest
from flask import Flask

from jobs.policy.access import Role
from jobs.ports import Place
from jobs.wiring import attempts, people, sign_in
from tests.attacks.raw_requests import listening
from tests.panel.browser import Browser, add, with_totp

COSTLY = people.METHOD
"""As it is outside of tests."""

CSRF_TOKEN = re.compile(r'(?<=name="csrf_token" value=")[^"]+')
"""It is signed with its second, so another page of the same session may have another one."""


@pytest.fixture
def costly(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed at their real cost, and attempts are not limited, for many are needed."""
    monkeypatch.setattr(people, "METHOD", COSTLY)
    monkeypatch.setattr(attempts, "blocked_until", lambda *_: None)
    people.set_password(people.find("root"), "correct horse")
    add("invited", Role.ADMIN)
    people.models.User.update(password=None).where(people.models.User.name == "invited").execute()


@pytest.mark.usefixtures("costly")
def test_a_name_that_exists_takes_as_long_as_one_that_does_not(browser: Browser) -> None:
    taken: dict[str, list[float]] = {"root": [], "invited": [], "nobody-at-all": [], "x" * 64: [], "": []}
    browser.sign_in("warm-up")
    token = browser.token("/login")
    for _ in range(5):
        for name, times in taken.items():
            began = time.perf_counter()
            data = {"csrf_token": token, "name": name, "password": "wrong guess"}
            browser.client.post("/login", base_url="https://panel.example.com", data=data)
            times.append(time.perf_counter() - began)
    middle = {name: median(times) for name, times in taken.items()}
    assert max(middle.values()) < 2 * min(middle.values()), middle


def test_answers_to_a_wrong_sign_in_are_the_same_but_for_the_name(app: Flask) -> None:
    add("ann", Role.ADMIN)
    with_totp("ann")
    pages = set()
    for name in ("root", "ann", "nobody"):
        browser = Browser(app)
        answer = browser.sign_in(name, "wrong guess")
        page = CSRF_TOKEN.sub("", answer.text.replace(f'value="{name}"', ""))
        pages.add((answer.status_code, page, tuple(sorted(answer.headers.keys()))))
    assert len(pages) == 1


@pytest.mark.usefixtures("costly")
def test_guesses_from_many_addresses_at_once_keep_nobody_from_a_page(app: Flask, place: Place) -> None:
    """Each costs a hash: those that there is no time for are sent away at once, and what they typed is not counted."""
    over, statuses = threading.Event(), set[int]()
    with listening(app, place) as target:

        def guess(source: str) -> None:
            page = target.get("/login", source=source)
            cookie = page.headers["Set-Cookie"].partition(";")[0]
            token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
            form = f"csrf_token={token}&name=root&password=wrong+guess".encode()
            while not over.is_set():
                statuses.add(target.post("/login", form, f"Cookie: {cookie}", source=source).status)

        crowd = [threading.Thread(target=guess, args=(f"127.0.1.{at}",)) for at in range(1, 41)]
        for one in crowd:
            one.start()
        waits = []
        for _ in range(10):
            began = time.monotonic()
            assert target.get("/login").status == 200
            waits.append(time.monotonic() - began)
        over.set()
        for one in crowd:
            one.join()
    assert median(waits) < 1.5, waits
    assert statuses == {422, 429}


def test_who_signed_in_from_there_before_does_so_while_others_guess(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, stranger = Browser(app), Browser(app, "Another", "198.51.100.7")
    assert browser.sign_in().status_code == 303
    browser.post("/logout")
    monkeypatch.setattr(sign_in, "_turns", threading.BoundedSemaphore(1))
    assert sign_in._turns.acquire(blocking=False)
    answer = stranger.sign_in()
    assert answer.status_code == 429 and "Too many sign-ins at this moment." in answer.text
    assert browser.sign_in().status_code == 303
