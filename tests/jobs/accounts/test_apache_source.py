"""Apache's vhosts as websites: Apache's own words about real files, real owners, hostile names; nothing is started."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.accounts.apache import Options, Source
from jobs.policy.failure import Failure
from jobs.policy.site import UNASSIGNED, Website
from jobs.ports import Place
from tests.contracts.promises import well_formed
from tests.jobs.accounts.machine import PEOPLE, add_people, add_suexec, docroot

pytestmark = pytest.mark.e2e(timeout=120)

MODULES = Path("/usr/lib/apache2/modules")
Read = Callable[..., Source]


@pytest.fixture(autouse=True)
def people() -> None:
    add_people()


@pytest.fixture(params=["mod_info", "without"])
def with_info(request: pytest.FixtureRequest) -> bool:
    """Whether Apache can dump its configuration; without, the listing of vhosts has to do."""
    return bool(request.param == "mod_info")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """A configuration in a directory of its own, and the source that asks Apache about it."""

    def write(text: str, *, info: bool = True, modules: tuple[str, ...] = (), **files: str | bytes) -> Source:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        loads = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n"
                        for name in ("mpm_event", "authz_core", *modules))
        head = f"ServerRoot {tmp_path}\nPidFile {tmp_path}/pid\nErrorLog {tmp_path}/log\nServerName host.test\n"
        main = tmp_path / "apache.conf"
        main.write_text(f"{head}{loads}Listen 80\n{text}\n", errors="surrogateescape")
        (tmp_path / "envvars").write_text("export PLACE=/srv\nexport APACHE_ARGUMENTS='-D Chosen'\n")
        info_module = MODULES / "mod_info.so" if info else tmp_path / "no-mod-info.so"
        options = Options(config=str(main), envvars=str(tmp_path / "envvars"), info_module=str(info_module))
        source = Source(options, Place(tmp_path / "instance"))
        assert source.present()
        return source

    return write


def found(source: Source) -> dict[str, Website]:
    websites = list(source.websites())
    well_formed(list(source.accounts()), websites)
    return {site.main: site for site in websites}


def vhost(name: str, *lines: str, at: str = "*:80") -> str:
    return "\n".join([f"<VirtualHost {at}>", f"ServerName {name}", *lines, "</VirtualHost>", ""])


def test_a_website_has_its_names_docroot_owner_and_place(read: Read, tmp_path: Path, with_info: bool) -> None:
    root = docroot("/srv/a", "alice")
    text = vhost("a.test", "ServerAlias www.a.test \\\n   blog.a.test", f"DocumentRoot {root}")
    source = read("IncludeOptional *.site", info=with_info, **{"a.site": f"# first\n{text}"})
    (site,) = found(source).values()
    assert site == Website("alice", ("a.test", "www.a.test", "blog.a.test"), root, "apache", f"{tmp_path}/a.site", 2)
    assert [account.name for account in source.accounts()] == ["alice"]


@pytest.mark.parametrize(("root", "owner", "account"), [
    ("/srv/alice", "alice", "alice"),
    ("/home/bob/web", "www-data", "bob"),
    ("/home/bob/theirs", "alice", "alice"),
    ("/srv/system", "root", UNASSIGNED),
    ("/srv/system2", "www-data", UNASSIGNED),
])
def test_whose_a_website_is(read: Read, with_info: bool, root: str, owner: str, account: str) -> None:
    docroot(root, owner)
    assert found(read(vhost("a.test", f"DocumentRoot {root}"), info=with_info))["a.test"].account == account


@pytest.mark.parametrize(("maker", "account"), [("bob", "bob"), ("root", "alice")])
def test_nobody_gives_his_website_to_another_account_by_a_link(read: Read, maker: str, account: str) -> None:
    docroot("/home/alice/web", "alice")
    link = Path(f"/home/bob/link-of-{maker}")
    link.symlink_to("/home/alice/web")
    uid = {"root": 0, **PEOPLE}[maker]
    os.chown(link, uid, uid, follow_symlinks=False)
    assert found(read(vhost("a.test", f"DocumentRoot {link}")))["a.test"].account == account


def test_the_user_as_whom_a_website_runs_owns_it(read: Read) -> None:
    docroot("/srv/a", "alice")
    suexec = ("<IfModule mod_suexec.c>", "SuexecUserGroup bob bob", "</IfModule>")
    text = vhost("a.test", "DocumentRoot /srv/a", *suexec) + vhost("b.test", "DocumentRoot /srv/a")
    unread = found(read(text))
    assert unread["a.test"].account == "alice", "a directive that Apache doesn't read counts for nothing"
    add_suexec()
    sites = found(read(text, modules=("suexec",)))
    assert (sites["a.test"].account, sites["b.test"].account) == ("bob", "alice")


def test_the_vhosts_of_one_name_are_one_website(read: Read, with_info: bool) -> None:
    root = docroot("/srv/a", "alice")
    text = "Listen 443 https\n" + vhost("a.test", "ServerAlias www.a.test", f"DocumentRoot {root}")
    text += vhost("a.test", "ServerAlias shop.a.test", f"DocumentRoot {root}", at="*:443")
    sites = found(read(text, info=with_info))
    assert {main: site.names for main, site in sites.items()} == {"a.test": ("a.test", "www.a.test", "shop.a.test")}


@pytest.mark.parametrize(("line", "names"), [
    ('ServerAlias "quoted.test" \'also.test\'', ("quoted.test", "also.test")),
    ("ServerAlias WWW.Good.test", ("www.good.test",)),
    ("ServerAlias bücher.test", ("xn--bcher-kva.test",)),
    ("ServerAlias *.good.test", ("*.good.test",)),
])
def test_every_manner_of_writing_a_name(read: Read, with_info: bool, line: str, names: tuple[str, ...]) -> None:
    (site,) = found(read(vhost("good.test:80", line), info=with_info)).values()
    assert site.names == ("good.test", *names)
    assert site.rejected == ()


@pytest.mark.parametrize("hostile", [
    '"evil.test > </VirtualHost>"', '"x y.test"', "a..test", "-a.test", "../../etc/passwd", "evil.test;reboot",
    "192.0.2.1", "localhost", "mail.*", "'<b>.test'", "a" * 64 + ".test", "'a\"b.test'", "$(id).test", "a_b.test",
    '"evil.test (/etc/passwd:1)"', '"namevhost x.test (/etc/passwd:1)"', "'alias evil.test'",
])
def test_a_hostile_name_is_rejected_with_its_reason(read: Read, with_info: bool, hostile: str) -> None:
    text = vhost("good.test", f"ServerAlias {hostile}") + vhost("other.test")
    sites = found(read(text, info=with_info))
    assert {main: site.names for main, site in sites.items()} == {
        "good.test": ("good.test",), "other.test": ("other.test",),
    }
    assert sites["good.test"].rejected


def test_a_vhost_of_hostile_names_only_is_a_remark(read: Read, with_info: bool) -> None:
    text = vhost('"evil name"', "ServerAlias <x>") + vhost("good.test")
    source = read(text, info=with_info)
    assert set(found(source)) == {"good.test"}
    (remark,) = source.remarks()
    assert "no name that a certificate could have" in remark and "'evil name'" in remark


def test_a_vhost_without_a_name_does_not_get_the_servers_own(read: Read, with_info: bool) -> None:
    assert found(read("<VirtualHost *:80>\nDocumentRoot /srv\n</VirtualHost>", info=with_info)) == {}


def test_what_apache_expands_is_seen_expanded(read: Read) -> None:
    docroot("/srv/m", "alice")
    text = f"""Define name defined.test
<Macro site $name>
{vhost("$name", "ServerAlias www.$name", "DocumentRoot ${PLACE}/m")}</Macro>
Use site one.test
Use site two.test
{vhost("${name}")}
<IfDefine Chosen>
{vhost("chosen.test")}</IfDefine>
<IfDefine Other>
{vhost("other.test")}</IfDefine>
<IfModule nothing_module>
{vhost("nothing.test")}</IfModule>
{vhost("nested.test", "<IfDefine Chosen>", "ServerAlias in.nested.test", "</IfDefine>", "<IfDefine Other>",
       "ServerAlias no.nested.test", "</IfDefine>")}"""
    sites = found(read(text, modules=("macro",)))
    assert set(sites) == {"one.test", "two.test", "defined.test", "chosen.test", "nested.test"}
    assert (sites["two.test"].names, sites["two.test"].docroot) == (("two.test", "www.two.test"), "/srv/m")
    assert sites["one.test"].account == "alice"
    assert sites["nested.test"].names == ("nested.test", "in.nested.test")


def test_without_mod_info_a_macros_vhosts_still_have_their_names(read: Read) -> None:
    macro = f"<Macro site $name>\n{vhost('$name', 'ServerAlias www.$name')}</Macro>\n"
    text = f"{macro}Use site one.test\nUse site two.test"
    sites = found(read(text, info=False, modules=("macro",)))
    assert {main: site.names for main, site in sites.items()} == {
        "one.test": ("one.test", "www.one.test"), "two.test": ("two.test", "www.two.test"),
    }
    assert {site.account for site in sites.values()} == {UNASSIGNED}


def test_without_mod_info_a_variable_does_not_pass_for_a_path(read: Read) -> None:
    (site,) = found(read(vhost("a.test", "DocumentRoot ${PLACE}/a") + vhost("a.test"), info=False)).values()
    assert site.docroot is None


def test_bytes_of_no_text_do_not_stop_it(read: Read, with_info: bool) -> None:
    text = vhost("a.test", "ServerAlias caf\udce9.test www.a.test", 'DocumentRoot "/srv/caf\udce9"')
    (site,) = found(read(text, info=with_info)).values()
    assert site.names == ("a.test", "www.a.test") and site.rejected


@pytest.mark.parametrize(("text", "words"), [
    ("<VirtualHost *:80>\nServerName a.test\n", "VirtualHost"),
    (vhost("a.test", "Nonsense on"), "Invalid command 'Nonsense'"),
    ("Include /nowhere/at/all.conf", "nowhere"),
    (vhost("a.test", "SSLEngine on"), "SSLEngine"),
])
def test_a_broken_configuration_is_a_failure_and_never_no_websites(
    read: Read, with_info: bool, text: str, words: str
) -> None:
    source = read(vhost("good.test") + text, info=with_info)
    for ask in (source.websites, source.accounts, source.remarks):
        with pytest.raises(Failure, match=words) as caught:
            ask()
        assert caught.value.code == "config_broken_before"


def test_an_apache_with_no_website_has_none(read: Read, with_info: bool) -> None:
    assert found(read("", info=with_info)) == {}


def test_a_web_disk_on_its_own_port_helps_the_website_and_is_none_itself(read: Read) -> None:
    root = docroot("/srv/a", "alice")
    disk = vhost("webdisk.a.test", f"DocumentRoot {root}", "<Location />", "Dav On", "</Location>", at="*:2078")
    web = vhost("a.test", f"DocumentRoot {root}")
    sites = found(read(f"Listen 2078\nDavLockDB /run/dav\n{disk}{web}", modules=("dav", "dav_fs")))
    assert {main: site.names for main, site in sites.items()} == {"a.test": ("a.test", "webdisk.a.test")}
