"""Codes of an authenticator and of paper: each holds once."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

import models
from jobs.policy.access import Role
from jobs.wiring import people, second_factor
from jobs.wiring.instance import Instance
from tests.fakes import NOW

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.fixture
def root(instance: Instance) -> models.User:
    return models.User.create(name="root", role="admin", totp_secret=SECRET)


def again(user: models.User) -> models.User:
    return models.User.get_by_id(user.id)


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_rfc_6238(root: models.User, seconds: int, code: str) -> None:
    assert second_factor.accept(root, code, datetime.fromtimestamp(seconds, UTC))


@pytest.mark.parametrize(("off", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_differ_by_one_step(root: models.User, off: int, taken: bool) -> None:
    code = pyotp.TOTP(SECRET).at(NOW + timedelta(seconds=off))
    assert second_factor.accept(root, code, NOW) is taken


def test_neither_a_used_code_nor_an_older_one_is_taken_again(root: models.User) -> None:
    maker = pyotp.TOTP(SECRET)
    assert second_factor.accept(root, maker.at(NOW), NOW)
    for off in (0, -30):
        assert not second_factor.accept(again(root), maker.at(NOW + timedelta(seconds=off)), NOW)
    assert second_factor.accept(again(root), maker.at(NOW + timedelta(seconds=30)), NOW)


def test_of_two_requests_with_one_code_one_is_refused(root: models.User) -> None:
    code = pyotp.TOTP(SECRET).at(NOW)

    def use(_: int) -> bool:
        with models.database.connection_context():
            return second_factor.accept(root, code, NOW)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(16))).count(True) == 1


def test_of_two_requests_with_one_backup_code_one_is_refused(root: models.User) -> None:
    code = second_factor.new_backup_codes(root)[0]

    def use(_: int) -> bool:
        with models.database.connection_context():
            return second_factor.accept(root, code, NOW)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(16))).count(True) == 1
    assert second_factor.backup_codes_left(root) == 9


def test_a_code_may_be_typed_with_spaces(root: models.User) -> None:
    code = pyotp.TOTP(SECRET).at(NOW)
    assert second_factor.accept(root, f" {code[:3]} {code[3:]} ", NOW)


def test_without_a_second_factor_no_code_is_right(instance: Instance) -> None:
    user = people.create("root", None, Role.ADMIN)
    for code in ("", "000000", "none"):
        assert not second_factor.accept(user, code, NOW)


def test_what_the_picture_says_names_user_host_and_product(root: models.User) -> None:
    text = second_factor.address_of(SECRET, "root", "panel.example.com")
    assert text.startswith("otpauth://totp/AutoSSL%20Panel:root%40panel.example.com?")
    assert f"secret={SECRET}" in text and "issuer=AutoSSL%20Panel" in text
