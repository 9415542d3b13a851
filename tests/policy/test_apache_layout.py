"""Which vhost answers a name, which presents a website's certificate, and where a twin may stand."""

from __future__ import annotations

import pytest

from jobs.policy.apache_answers import Answers
from jobs.policy.apache_config import Vhost, parse_dump, vhosts
from jobs.policy.apache_layout import Layout, Twin, landscape, layout


def read(*blocks: str) -> tuple[Vhost, ...]:
    """Blocks such as "*:443 tls a.test www.a.test": addresses, whether TLS, names."""
    rows = ["# In file: /etc/a.conf", "# 1:", "Listen 80", "# 2:", "Listen 443"]
    for number, block in enumerate(blocks, start=10):
        words = block.split()
        places = [word for word in words if ":" in word]
        names = [word for word in words if ":" not in word and word != "tls"]
        rows += [f"# {number}:", f"<VirtualHost {' '.join(places)}>"]
        rows += [f"# {number}:", f"ServerName {names[0]}"] if names and names[0] != "-" else []
        rows += [f"# {number}:", f"ServerAlias {' '.join(names[1:])}"] if names[1:] else []
        rows += [f"# {number}:", "SSLEngine on"] if "tls" in words else []
        rows += ["</VirtualHost>"]
    return vhosts(parse_dump("\n".join(rows)))


def decide(names: str, *blocks: str) -> Layout:
    return layout(landscape(read(*blocks), 80, 443, "panel.test"), names.split())


@pytest.mark.parametrize(("name", "address", "position"), [
    ("a.test", "*", 0), ("www.a.test", "*", 0), ("b.test", "*", 1), ("x.a.test", "*", 0), ("x.y.a.test", "*", 0),
    ("shop.a.test", "*", 0), ("zed.test", "*", 2), ("zedd.test", "*", None), ("nobody.test", "*", None),
    ("a.test", "192.0.2.1", 4), ("b.test", "192.0.2.1", None), ("a.test", "192.0.2.9", 0), ("panel.test", "*", 3),
    ("xn--bcher-kva.test", "*", 5), ("*.a.test", "*", 0), ("*.b.test", "*", None),
])
def test_apache_answers_a_name_by_the_first_vhost_of_the_address_that_lists_it(
    name: str, address: str, position: int | None
) -> None:
    blocks = read("*:80 a.test *.a.test", "*:80 b.test a.test shop.a.test", "*:80 c.test z?d.test", "*:80 -",
                  "192.0.2.1:80 a.test", "*:80 BÜCHER.test")
    assert Answers(blocks, 80, "panel.test").at(address, name) == position


@pytest.mark.parametrize(("names", "blocks", "secured", "twins"), [
    ("a.test", ["*:80 a.test"], {}, [Twin(0, ("a.test",), ("*",))]),
    ("a.test", ["*:443 tls a.test"], {0: ("a.test",)}, []),
    ("a.test www.a.test", ["*:80 a.test www.a.test", "*:443 tls a.test"], {1: ("a.test",)},
     [Twin(0, ("www.a.test",), ("*",))]),
    ("b.test a.test", ["*:80 a.test b.test"], {}, [Twin(0, ("a.test", "b.test"), ("*",))]),
    ("a.test b.test", ["*:80 a.test", "*:80 b.test"], {}, [Twin(0, ("a.test",), ("*",)), Twin(1, ("b.test",), ("*",))]),
    ("a.test", ["*:80 a.test lost.test"], {}, [Twin(0, ("a.test",), ("*",))]),
    ("www.a.test *.a.test", ["*:80 *.a.test www.a.test"], {}, [Twin(0, ("www.a.test", "*.a.test"), ("*",))]),
    ("a.test", ["*:80 a.test", "*:80 a.test"], {}, [Twin(0, ("a.test",), ("*",))]),
    ("a.test", ["*:443 tls - a.test"], {0: ("a.test",)}, []),
    ("panel.test", ["*:443 tls -"], {0: ("panel.test",)}, []),
    ("a.test", ["*:80 b.test", "*:443 tls b.test"], {}, []),
    ("a.test", ["*:443 tls a.test", "192.0.2.1:443 tls a.test"], {0: ("a.test",), 1: ("a.test",)}, []),
])
def test_where_the_names_of_a_website_stand(
    names: str, blocks: list[str], secured: dict[int, tuple[str, ...]], twins: list[Twin]
) -> None:
    assert decide(names, *blocks) == Layout(secured, tuple(twins), {})


@pytest.mark.parametrize(("blocks", "addresses"), [
    (["192.0.2.1:80 a.test"], [("*",)]),
    (["192.0.2.1:80 a.test", "*:443 tls b.test"], [("*",)]),
    (["192.0.2.1:80 a.test", "192.0.2.1:443 tls b.test"], [("192.0.2.1",)]),
    (["*:80 a.test", "192.0.2.1:443 tls b.test"], [("*", "192.0.2.1")]),
    (["*:80 a.test", "192.0.2.1:80 b.test", "192.0.2.1:443 tls b.test"], [("*",)]),
    (["192.0.2.1:80 [2001:db8::1]:80 a.test", "[2001:db8::1]:443 tls b.test"], [("*", "2001:db8::1")]),
    (["*:80 a.test", "192.0.2.1:80 a.test"], [("*",)]),
    (["*:80 a.test", "192.0.2.1:80 a.test", "192.0.2.1:443 tls b.test"], [("192.0.2.1",), ("*",)]),
])
def test_a_twin_stands_where_it_is_reached_and_takes_nobodys_place(
    blocks: list[str], addresses: list[tuple[str, ...]]
) -> None:
    assert [twin.addresses for twin in decide("a.test", *blocks).twins] == addresses


@pytest.mark.parametrize(("blocks", "reason"), [
    (["*:443 a.test"], "without `SSLEngine on`"),
    (["*:443 tls b.test a.test"], "that of b.test"),
    (["*:80 a.test", "*:443 tls b.test *.test"], "that of b.test"),
])
def test_a_vhost_that_answers_but_cannot_present_is_told(blocks: list[str], reason: str) -> None:
    found = decide("a.test", *blocks)
    assert not found.secured and not found.twins and reason in found.troubles["a.test"]


def test_a_website_that_apache_does_not_have_is_none_of_its_business() -> None:
    assert decide("nobody.test", "*:80 a.test", "*:443 tls a.test", "*:8443 tls nobody.test").empty
    assert decide("nobody.test", "*:80 a.test", "*:443 tls a.test *").empty
    assert not decide("nobody.test", "*:80 *", "*:443 tls a.test *").empty
