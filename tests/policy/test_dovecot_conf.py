"""Our file for Dovecot comes back as it was written, and what `doveconf -n` says is understood."""

from __future__ import annotations

import pytest

from jobs.policy.dovecot_conf import (
    MANY_NAMES,
    Effective,
    LocalName,
    OurFile,
    SiteBlock,
    as_written,
    parse,
    read_doveconf,
    render,
)

A, B = "/live/a.test/dovecot", "/live/b.test/dovecot"

WRITTEN = """\
local_name "a.test www.a.test" {
  ssl_cert = </live/a.test/dovecot/fullchain.pem
  ssl_key = </live/a.test/dovecot/privkey.pem
}
local_name "x.a.test" {
  ssl_cert = </live/b.test/dovecot/fullchain.pem
  ssl_key = </live/b.test/dovecot/privkey.pem
}
local_name "*.a.test" {
  ssl_cert = </live/a.test/dovecot/fullchain.pem
  ssl_key = </live/a.test/dovecot/privkey.pem
}
"""


def site(*blocks: tuple[str, tuple[str, ...]], default: str = "", enable: bool = False) -> OurFile:
    file = OurFile(default=default, enable=enable)
    for directory, names in blocks:
        file.names.give(names, directory)
    return file


def test_names_come_before_the_wildcards_of_any_website() -> None:
    assert render(site((B, ("x.a.test",)), (A, ("*.a.test", "a.test", "www.a.test")))) == WRITTEN


@pytest.mark.parametrize(
    "file",
    [
        site(),
        site((A, ("a.test",))),
        site((A, ("*.a.test",)), (B, ("b.test", "*.b.test"))),
        site((B, ("*.b.test",)), (A, ("a.test", "*.a.test")), default=B, enable=True),
        site((A, tuple(f"n{number}.a.test" for number in range(MANY_NAMES))), default=A),
    ],
)
def test_what_is_written_is_read_back(file: OurFile) -> None:
    text = "# a first line\n" + render(file)
    again = parse(text)
    assert render(again) == render(file) and (again.default, again.enable) == (file.default, file.enable)
    assert {block.directory: set(block.names) for block in again.blocks} == {
        block.directory: set(block.names) for block in file.blocks
    }


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN + "ssl = no\n",
        WRITTEN.replace("www.a.test", "www.a.test\n"),
        WRITTEN.replace('"x.a.test"', "x.a.test"),
        WRITTEN.replace("/live/b.test/dovecot/privkey.pem", "/live/a.test/dovecot/privkey.pem"),
        WRITTEN.replace("}\nlocal", "}\n\nlocal"),
        "garbage",
        "\x00",
    ],
)
def test_what_somebody_edited_is_never_taken_for_ours(text: str) -> None:
    with pytest.raises(ValueError, match="changed by hand"):
        parse(text)


def test_many_names_ask_for_memory() -> None:
    names = tuple(f"n{number}.a.test" for number in range(MANY_NAMES))
    assert "vsz_limit = 2G" in render(site((A, names)))
    assert "vsz_limit" not in render(site((A, names[1:])))


def test_a_name_has_one_block_and_an_empty_block_goes() -> None:
    file = site((A, ("a.test", "shop.test")), (B, ("b.test", "shop.test")))
    assert list(file.blocks) == [SiteBlock(("a.test",), A), SiteBlock(("b.test", "shop.test"), B)]
    everything = ("a.test", "b.test", "shop.test")
    assert file.names.give(everything, B)
    assert list(file.blocks) == [SiteBlock(everything, B)]
    assert not file.names.give(everything, B)


def test_a_website_that_is_let_go_of_leaves_nothing_but_what_nobody_else_could_be_the_default_for() -> None:
    file = site((A, ("a.test", "*.a.test")), (B, ("b.test",)), default=A)
    assert file.without(A) and file == site((B, ("b.test",)), default=B)
    assert file.without(B) and file == site(default=B)
    assert not file.without(B) and not file.without("/unknown")
    assert file == site(default=B)
    other = site((A, ("a.test", "*.a.test")), (B, ("b.test",)), default=A)
    assert other.without(B) and other == site((A, ("a.test", "*.a.test")), default=A)


def test_the_written_blocks_are_those_that_doveconf_lists() -> None:
    headers = [" ".join(block.names) for block in as_written(parse(WRITTEN))]
    assert headers == ["a.test www.a.test", "x.a.test", "*.a.test"]


def test_doveconf_is_read_by_its_blocks() -> None:
    text = """\
# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf
mail_log_prefix = "%s(%u): {
namespace inbox {
  mailbox "Sent Messages" {
    special_use = \\Sent
  }
  ssl_cert = </inner.pem
}
ssl = no
ssl_cert = </etc/dovecot/private/dovecot.pem
ssl_key = # hidden, use -P to show it
local 10.0.0.1 {
  local_name inner.test {
    ssl_cert = </inner.pem
  }
}
local_name A.test *.a.test {
  ssl_cert = </mine.pem
  ssl_key = # hidden, use -P to show it
}
local_name without.test {
  ssl_prefer_server_ciphers = yes
}
"""
    expected = Effective("no", "/etc/dovecot/private/dovecot.pem", (LocalName(("a.test", "*.a.test"), "/mine.pem"),))
    assert read_doveconf(text) == expected
    assert read_doveconf("") == Effective("yes", "", ())
    assert read_doveconf("ssl_cert =\n").certificate == ""
