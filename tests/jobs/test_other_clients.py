"""Other clients are found by what they leave on a host, and nothing of theirs is touched by looking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jobs import privileged
from jobs.policy.other_clients import Client, Others
from jobs.ports import Place
from jobs.services.system import presented
from tests.fakes import NOW, TestCA
from tests.jobs.lineages import laid_out

CA = TestCA()


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """The root directory of a host of its own, with systemd."""
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    (tmp_path / "var/spool/cron/crontabs").mkdir(parents=True)
    privileged.forget_other_clients()
    yield tmp_path
    privileged.forget_other_clients()


def look(root: Path) -> Others:
    privileged.forget_other_clients()
    return privileged.other_clients(root)


def put(root: Path, path: str, text: str = "") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def runs(root: Path) -> dict[Client, str | None]:
    return {one.client: one.renewed_by for one in look(root).found}


def test_a_host_with_nobody_else_has_nobody_else(root: Path) -> None:
    put(root, "etc/cron.d/certbot", "0 */12 * * * root test \\! -d /run/systemd/system && certbot -q renew")
    assert look(root) == Others(), "the package alone looks after nothing"


def test_certbot_is_found_by_what_it_renews_and_so_is_what_runs_it(root: Path) -> None:
    own = CA.bundle(["a.test", "www.a.test"])
    laid_out.certbot(root / "etc/letsencrypt", "a.test", own)
    assert runs(root) == {Client.CERTBOT: ""}
    put(root, "etc/cron.d/certbot", "0 */12 * * * root test \\! -d /run/systemd/system && certbot -q renew")
    assert runs(root) == {Client.CERTBOT: ""}, "where systemd is, Debian's cron job does nothing"
    put(root, "etc/systemd/system/timers.target.wants/certbot.timer")
    assert runs(root) == {Client.CERTBOT: "certbot.timer"}
    (one,) = look(root).kept
    assert (one.name, one.names, one.not_after, one.renewing) == (
        "a.test", ("a.test", "www.a.test"), NOW + timedelta(days=90), True)


def test_a_lineage_whose_configuration_was_moved_away_is_renewed_no_more(root: Path) -> None:
    for name in ("a.test", "b.test"):
        laid_out.certbot(root / "etc/letsencrypt", name, CA.bundle([name]))
    conf = root / "etc/letsencrypt/renewal/a.test.conf"
    conf.rename(f"{conf}.off")
    assert {one.name: one.renewing for one in look(root).kept} == {"a.test": False, "b.test": True}


def test_acme_sh_is_found_with_where_it_installs_what_it_renews(root: Path) -> None:
    laid_out.acme_sh(root / "root/.acme.sh", "a.test", CA.bundle(["a.test"]))
    put(root, "var/spool/cron/crontabs/root", '27 0 * * * "/root/.acme.sh"/acme.sh --cron > /dev/null')
    found = look(root)
    assert runs(root) == {Client.ACME_SH: "/var/spool/cron/crontabs/root"}
    assert found.copies == {"/etc/nginx/certs/a.test.pem": Client.ACME_SH}
    assert [one.renewing for one in found.kept] == [True]
    (root / "root/.acme.sh/a.test_ecc/a.test.conf").unlink()
    assert [one.renewing for one in look(root).kept] == [False]


@pytest.mark.parametrize(
    ("sign", "client", "by"),
    [
        ("etc/apache2/mods-enabled/md.load", Client.MOD_MD, "itself"),
        ("etc/webmin/virtual-server/config", Client.VIRTUALMIN, "itself"),
        ("usr/local/hestia/conf/hestia.conf", Client.HESTIA, ""),
        ("usr/local/ispconfig/server/server.sh", Client.ISPCONFIG, ""),
        ("var/www/html/froxlor/lib/userdata.inc.php", Client.FROXLOR, ""),
        ("etc/dehydrated/domains.txt", Client.DEHYDRATED, ""),
        ("root/.lego/certificates/a.test.crt", Client.LEGO, ""),
    ],
)
def test_each_is_found_by_its_own_sign(root: Path, sign: str, client: Client, by: str) -> None:
    put(root, sign)
    (one,) = look(root).found
    assert (one.client, one.sign, one.renewed_by) == (client, f"/{sign}", by)


def test_what_users_have_in_their_homes_is_looked_at_only_where_the_panel_is_that_keeps_it_there(root: Path) -> None:
    path = "home/alice/conf/web/a.test/ssl/a.test.pem"
    put(root, path).write_bytes(CA.bundle(["a.test"]).fullchain)
    assert look(root).kept == ()
    put(root, "usr/local/hestia/conf/hestia.conf")
    (one,) = look(root).kept
    assert (one.client, one.name) == (Client.HESTIA, "a.test")


def test_what_is_no_certificate_and_what_would_hold_a_reader_up_is_passed_over(root: Path) -> None:
    live = laid_out.certbot(root / "etc/letsencrypt", "a.test", CA.bundle(["a.test"]))
    (live / "cert.pem").unlink()
    os.mkfifo(live / "cert.pem")
    laid_out.certbot(root / "etc/letsencrypt", "b.test", CA.bundle(["b.test"]))
    (root / "etc/letsencrypt/archive/b.test/cert1.pem").write_text("nothing")
    assert look(root).kept == () and look(root).clients == {Client.CERTBOT}


def test_a_service_tells_who_looks_after_what_it_presents_also_where_that_is_a_copy(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, place = CA.bundle(["a.test"]), Place(root / "instance")
    laid_out.certbot(root / "etc/letsencrypt", "a.test", own)
    found = look(root)
    monkeypatch.setattr(privileged, "other_clients", lambda: found)
    copy, other = put(root, "srv/copy.pem"), put(root, "srv/other.pem")
    copy.write_bytes(own.fullchain)
    other.write_bytes(CA.bundle(["a.test"]).fullchain)
    assert [presented(place, "a.test", "apache", path).keeper for path in (copy, other)] == ["certbot", ""]
    link = place.link("a.test", "apache")
    link.mkdir(parents=True)
    (link / "fullchain.pem").write_bytes(own.fullchain)
    ours = presented(place, "a.test", "apache", link / "fullchain.pem")
    assert ours.ours and ours.keeper == "", "what stands behind our own link is ours, wherever it came from"


def test_without_root_it_is_said_that_what_runs_them_can_not_be_seen(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out.certbot(root / "etc/letsencrypt", "a.test", CA.bundle(["a.test"]))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert runs(root) == {Client.CERTBOT: None}
