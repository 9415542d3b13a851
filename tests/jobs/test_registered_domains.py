"""The registered domain of a name is what CAs count by."""

from __future__ import annotations

import socket

import pytest

from jobs import registered_domains as module
from jobs.registered_domains import registered_domains


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("*.example.com", "example.com"),
        ("*.shop.example.co.uk", "example.co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("com", "com"),
        ("*.github.io", "github.io"),
        ("one.github.io", "one.github.io"),
        ("www.one.github.io", "one.github.io"),
        ("a.b.kawasaki.jp", "a.b.kawasaki.jp"),
        ("b.kawasaki.jp", "b.kawasaki.jp"),
        ("x.city.kawasaki.jp", "city.kawasaki.jp"),
        ("www.xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("x.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("xn--55qx5d.cn", "xn--55qx5d.cn"),
        ("www.alice.test", "alice.test"),
        ("localhost", "localhost"),
    ],
)
def test_it_is_the_label_before_the_public_suffix(name: str, domain: str) -> None:
    assert registered_domains([name]) == (domain,)


def test_each_is_named_once_in_the_order_of_the_names() -> None:
    names = ["www.b.test", "a.github.io", "b.test", "*.a.github.io"]
    assert registered_domains(names) == ("b.test", "a.github.io")


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", nowhere)
    module._list.cache_clear()
    module._registered.cache_clear()
    assert registered_domains(["www.example.com"]) == ("example.com",)
