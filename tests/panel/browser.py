"""A browser in front of the application, without a network: cookies, CSRF tokens, a name and an address of its own."""

from __future__ import annotations

import re
from typing import Any

import pyotp
from flask import Flask
from werkzeug.test import TestResponse

import models
from jobs.policy.access import Role
from jobs.wiring import people, second_factor
from jobs.wiring.instance import now

HTTPS = "https://panel.example.com"
PASSWORD = "correct horse"
COOKIE = "__Host-autossl"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """One browser. `agent` is what it calls itself, `address` where its connections come from."""

    def __init__(self, app: Flask, agent: str = "Browser", address: str = "192.0.2.1") -> None:
        self.client = app.test_client()
        self.client.environ_base.update(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)

    def get(self, path: str, **settings: Any) -> TestResponse:
        return self.client.get(path, base_url=HTTPS, **settings)

    def post(self, path: str, page: str = "/security", **data: str) -> TestResponse:
        """Send the form at `path` with the token that stands on `page`."""
        return self.client.post(path, base_url=HTTPS, data={"csrf_token": self.token(page), **data})

    def token(self, page: str) -> str:
        found = _TOKEN.search(self.get(page).text)
        assert found, page
        return found.group(1)

    def sign_in(self, name: str = "root", password: str = PASSWORD, **data: str) -> TestResponse:
        return self.post("/login", "/login", name=name, password=password, **data)

    def signed_in(self) -> bool:
        return self.get("/security").status_code == 200

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie(COOKIE, domain="panel.example.com")
        return "" if found is None else found.value

    @cookie.setter
    def cookie(self, value: str) -> None:
        settings: Any = {"domain": "panel.example.com", "secure": True}
        self.client.set_cookie(COOKIE, value, **settings)


def user(name: str = "root") -> models.User:
    """The row as it is now."""
    return models.User.get(models.User.name == name)


def add(name: str, role: Role, account: str | None = None) -> models.User:
    return people.create(name, PASSWORD, role, account)


def with_totp(name: str = "root") -> tuple[pyotp.TOTP, list[str]]:
    """Switch two-step sign-in on for a user; the authenticator, whose present code is not used up, and backup codes."""
    secret = second_factor.new_secret()
    codes = second_factor.switch_on(user(name), secret, pyotp.TOTP(secret).now(), now())
    assert codes is not None
    models.User.update(totp_step=None).where(models.User.name == name).execute()
    return pyotp.TOTP(secret), codes
