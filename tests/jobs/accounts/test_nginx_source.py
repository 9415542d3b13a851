"""nginx's server blocks as websites: real files, real owners, hostile names; nothing is started."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.accounts.nginx import Options, Source
from jobs.policy.failure import Failure
from jobs.policy.site import UNASSIGNED, Website
from jobs.ports import Place
from tests.contracts.promises import well_formed
from tests.jobs.accounts.machine import add_people, docroot

pytestmark = pytest.mark.e2e(timeout=60)

Read = Callable[..., Source]


@pytest.fixture(autouse=True)
def people() -> None:
    add_people()


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Files of a configuration in a directory of its own, and the source that reads them."""

    def write(http: str, **files: str | bytes) -> Source:
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        main = tmp_path / "nginx.conf"
        main.write_text(f"events {{ }}\nhttp {{\n{http}\n}}\n")
        source = Source(Options(config=str(main)), Place(tmp_path / "instance"))
        assert source.present()
        return source

    return write


def found(source: Source) -> dict[str, Website]:
    websites = list(source.websites())
    well_formed(list(source.accounts()), websites)
    return {site.main: site for site in websites}


def test_a_website_has_its_names_docroot_owner_and_place(read: Read, tmp_path: Path) -> None:
    root = docroot("/srv/a", "alice")
    source = read("include sites/*;", sites__a=f"\nserver {{\n server_name a.test www.a.test;\n root {root};\n}}\n")
    (site,) = found(source).values()
    assert site == Website("alice", ("a.test", "www.a.test"), root, "nginx", f"{tmp_path}/sites/a", 2)
    assert [account.name for account in source.accounts()] == ["alice"]


@pytest.mark.parametrize(("root", "owner", "account"), [
    ("/srv/alice", "alice", "alice"),
    ("/home/bob/web", "www-data", "bob"),
    ("/home/bob/theirs", "alice", "alice"),
    ("/srv/system", "root", UNASSIGNED),
    ("/srv/system2", "www-data", UNASSIGNED),
])
def test_whose_a_website_is(read: Read, root: str, owner: str, account: str) -> None:
    docroot(root, owner)
    assert found(read(f"server {{ server_name a.test; root {root}; }}"))["a.test"].account == account


def test_a_docroot_that_does_not_exist_leaves_its_home_to_tell(read: Read) -> None:
    http = "server { server_name a.test; root /home/alice/gone; } server { server_name b.test; root /gone; }"
    sites = found(read(http))
    assert (sites["a.test"].account, sites["b.test"].account) == ("alice", UNASSIGNED)
    assert sites["b.test"].docroot == "/gone"


def test_the_blocks_of_one_name_are_one_website(read: Read) -> None:
    root = docroot("/srv/a", "alice")
    source = read(
        "server { listen 80; server_name a.test www.a.test; return 301 https://$host$request_uri; }"
        f"server {{ listen 443 ssl; server_name a.test; root {root}; ssl_certificate x; ssl_certificate_key y; }}"
        f"server {{ listen 443 ssl; server_name www.a.test; root {root}; ssl_certificate x; ssl_certificate_key y; }}"
    )
    sites = found(source)
    assert {name for site in sites.values() for name in site.names} == {"a.test", "www.a.test"}
    assert {site.account for site in sites.values()} == {"alice"}
    assert sites["a.test"].docroot == root


@pytest.mark.parametrize(("words", "names"), [
    ("a.test 'quoted.test' \"also.test\"", ("a.test", "quoted.test", "also.test")),
    ("A.Test www.A.test.", ("a.test", "www.a.test")),
    ("bücher.test", ("xn--bcher-kva.test",)),
    (".a.test", ("a.test", "*.a.test")),
    ("*.a.test a.test", ("a.test", "*.a.test")),
    ("a.test ~^www\\d+\\.a\\.test$ _ \"\"", ("a.test",)),
])
def test_every_manner_of_writing_a_name(read: Read, words: str, names: tuple[str, ...]) -> None:
    (site,) = found(read(f"server {{ server_name {words}; }}")).values()
    assert (site.names, site.rejected) == (names, ())


@pytest.mark.parametrize("hostile", [
    '"evil.test; return 500"', "'a.test\nlisten 8080'", '"x y.test"', "a..test", "-a.test", "../../etc/passwd",
    "${host}.test", "192.0.2.1", "localhost", "www.*", '"<b>.test"', "a" * 64 + ".test", '"a{b}.test"', "'a\"b.test'",
])
def test_a_hostile_name_is_rejected_with_its_reason(read: Read, hostile: str) -> None:
    (site,) = found(read(f"server {{ server_name good.test {hostile}; }}")).values()
    assert site.names == ("good.test",)
    assert site.rejected, "well_formed looks at the words"


def test_a_block_of_hostile_names_only_is_a_remark(read: Read) -> None:
    source = read('server { server_name "evil; name"; } server { server_name _; } server { return 444; }')
    assert found(source) == {}
    (remark,) = source.remarks()
    assert "nginx.conf:3: no name that a certificate could have; it says 'evil; name'" in remark


@pytest.mark.parametrize("root", ["$document_root/x", '"relative/x"', '"/srv/\x1b[31m"', "/srv/$host"])
def test_a_docroot_that_is_no_path_is_none(read: Read, root: str) -> None:
    assert found(read(f"server {{ server_name a.test; root {root}; }}"))["a.test"].docroot is None


def test_a_docroot_is_inherited_or_that_of_the_location(read: Read) -> None:
    sites = found(read("root /srv/all; server { server_name a.test; } server { server_name b.test; root /srv/b; }"
                       "server { server_name c.test; location / { root /srv/c; } location /x { root /srv/x; } }"))
    assert {name: site.docroot for name, site in sites.items()} == {
        "a.test": "/srv/all", "b.test": "/srv/b", "c.test": "/srv/c",
    }


def test_includes_are_followed_to_any_depth_and_bytes_of_no_text_do_not_stop_it(read: Read) -> None:
    source = read("include one.conf;", **{
        "one.conf": "include sites/*.conf; # not sites/b",
        "sites__a.conf": "server { include names.part; }", "names.part": "server_name a.test;",
        "sites__b": "server { server_name no.test; }",
        "sites__c.conf": b"# caf\xe9\nserver { server_name c.test; root \"/srv/caf\xe9\"; }",
    })
    assert set(found(source)) == {"a.test", "c.test"}


@pytest.mark.parametrize(("http", "words"), [
    ("server { server_name a.test; ", "unexpected end of file"),
    ("server { server_name a.test; } }", 'unexpected "}"'),
    ("server { server_name a.test }", "server_name"),
    ("server { listen; }", "listen"),
    ("include /nowhere/at/all.conf;", "nowhere"),
    ("include nginx.conf;", "includes itself"),
    ("server { server_name a.test; } server_tokens;", "server_tokens"),
])
def test_a_broken_configuration_is_a_failure_and_never_no_websites(read: Read, http: str, words: str) -> None:
    source = read(http)
    for ask in (source.websites, source.accounts, source.remarks):
        with pytest.raises(Failure, match=words) as caught:
            ask()
        assert caught.value.code == "config_broken_before"


def test_blocks_that_we_wrote_ourselves_are_no_websites(read: Read, tmp_path: Path) -> None:
    twin = tmp_path / "instance/conf/nginx/gone.test.conf"
    twin.parent.mkdir(parents=True)
    twin.write_text("server { listen 443 ssl; server_name gone.test; }")
    source = read(f"server {{ server_name a.test; }} include {tmp_path}/instance/conf/nginx/*.conf;")
    assert set(found(source)) == {"a.test"}


def test_an_nginx_with_no_website_has_none(read: Read) -> None:
    assert found(read("")) == {}
