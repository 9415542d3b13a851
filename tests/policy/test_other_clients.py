"""Who looks after a certificate that was not ordered here, and what an administrator is told about it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.policy.other_clients import (
    HABITS,
    NOBODY,
    Client,
    Found,
    Kept,
    Others,
    cron_line,
    how_to_stop,
    how_to_take_over,
    keeper,
    left_alone,
    renewed_twice,
)
from tests.fakes import NOW

ENDS = NOW + timedelta(days=60)


def kept(client: Client = Client.CERTBOT, *names: str, renewing: bool = True) -> Kept:
    return Kept(client, names[0] if names else "a.test", names or ("a.test",), "f00d", ENDS, renewing)


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/etc/letsencrypt/live/a.test/fullchain.pem", Client.CERTBOT),
        ("/etc/letsencrypt/archive/a.test/fullchain3.pem", Client.CERTBOT),
        ("/root/.acme.sh/a.test_ecc/fullchain.cer", Client.ACME_SH),
        ("/etc/acme.sh/a.test/a.test.cer", Client.ACME_SH),
        ("/etc/apache2/md/domains/a.test/pubcert.pem", Client.MOD_MD),
        ("/var/lib/dehydrated/certs/a.test/fullchain.pem", Client.DEHYDRATED),
        ("/root/.lego/certificates/a.test.crt", Client.LEGO),
        ("/var/lib/caddy/.local/share/caddy/certificates/ca/a.test/a.test.crt", Client.CADDY),
        ("/etc/ssl/virtualmin/17615693042813697/ssl.combined", Client.VIRTUALMIN),
        ("/home/alice/conf/web/a.test/ssl/a.test.pem", Client.HESTIA),
        ("/home/alice/conf/web/ssl.a.test.pem", Client.HESTIA),
        ("/home/alice/conf/mail/a.test/ssl/a.test.pem", Client.HESTIA),
        ("/var/www/clients/client3/web12/ssl/a.test-le.crt", Client.ISPCONFIG),
        ("/etc/ssl/froxlor-custom/a.test.crt", Client.FROXLOR),
        ("/etc/ssl/certs/a.test.pem", None),
        ("/home/alice/ssl.cert", None),
        ("/home/alice/etc/letsencrypt/live/a.test/cert.pem", None),
        (None, None),
    ],
)
def test_a_client_is_known_by_where_it_keeps_its_certificates(path: str | None, who: Client | None) -> None:
    assert keeper(path, "f00d", NOBODY) == who


def test_a_file_that_anybody_may_have_is_virtualmins_only_beside_virtualmin() -> None:
    there = Others(found=(Found(Client.VIRTUALMIN, "/etc/webmin/virtual-server/config", "itself"),))
    assert keeper("/home/alice/ssl.cert", "f00d", there) is Client.VIRTUALMIN
    assert keeper("/home/alice/domains/b.test/ssl.combined", "f00d", there) is Client.VIRTUALMIN
    assert keeper("/home/alice/public_html/ssl.cert", "f00d", there) is None


def test_a_copy_is_known_by_where_acme_sh_was_told_to_install_it_and_any_other_by_the_certificate_itself() -> None:
    others = Others(kept=(kept(),), copies={"/etc/nginx/certs/a.pem": Client.ACME_SH})
    assert keeper("/etc/nginx/certs/a.pem", "else", others) is Client.ACME_SH
    assert keeper("/srv/somewhere/a.pem", "f00d", others) is Client.CERTBOT
    assert keeper(None, "f00d", others) is Client.CERTBOT
    assert keeper("/srv/somewhere/a.pem", "else", others) is None


DEBIANS = "0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && certbot -q renew"


@pytest.mark.parametrize(
    ("text", "systemd", "runs"),
    [
        (DEBIANS, False, True),
        (DEBIANS, True, False),
        (f"# {DEBIANS}", False, False),
        ("0 3 * * * root /opt/certbot/bin/certbot renew -q", True, True),
        ("0 3 * * * root /usr/bin/notcertbotatall", True, False),
        ("", False, False),
    ],
    ids=["without systemd", "with systemd", "a comment", "a line of one's own", "another word", "empty"],
)
def test_debians_cron_job_of_certbot_counts_only_where_no_timer_does_it(text: str, systemd: bool, runs: bool) -> None:
    assert cron_line(text, HABITS[Client.CERTBOT].cron, systemd) is runs


def test_the_cron_jobs_of_others_are_known_by_their_programs() -> None:
    lines = {
        Client.ACME_SH: '27 0 * * * "/root/.acme.sh"/acme.sh --cron --home "/root/.acme.sh" > /dev/null',
        Client.HESTIA: "12 4 * * * sudo /usr/local/hestia/bin/v-update-letsencrypt-ssl",
        Client.ISPCONFIG: "* * * * * /usr/local/ispconfig/server/server.sh 2>&1",
        Client.FROXLOR: "*/5 * * * * root /usr/bin/php -q /var/www/html/froxlor/bin/froxlor-cli froxlor:cron",
        Client.DEHYDRATED: "0 0 * * * root /usr/bin/dehydrated -c",
    }
    for client, line in lines.items():
        assert {one for one, habits in HABITS.items() if habits.cron and cron_line(line, habits.cron, True)} == {client}


def test_what_is_renewed_twice_is_what_a_client_still_renews_and_we_have_as_well() -> None:
    ours = {"a.test": "a.test", "www.a.test": "a.test"}
    both, away, other = kept(), kept(renewing=False), kept(Client.ACME_SH, "b.test")
    assert renewed_twice([both, away, other], ours) == [(both, "a.test")]
    assert renewed_twice([both], {}) == []


def test_how_a_renewal_is_ended_leaves_its_files_and_never_makes_a_command_of_an_odd_name() -> None:
    conf = "/etc/letsencrypt/renewal/a.test.conf"
    assert f"mv {conf} {conf}.off" in how_to_stop(Client.CERTBOT, "a.test")
    assert "acme.sh --remove -d a.test --ecc" in how_to_stop(Client.ACME_SH, "a.test_ecc")
    assert "in one change" in how_to_stop(Client.MOD_MD, "a.test")
    for client in Client:
        assert ";" not in how_to_stop(client, "a.test; rm -rf /") and "rm" not in how_to_stop(client, "$(rm x)").split()


def test_people_are_told_who_looks_after_it_until_when_and_how_that_changes() -> None:
    assert left_alone("certbot", ENDS) == f"managed by certbot, expires {ENDS:%Y-%m-%d}; AutoSSL leaves it alone"
    assert left_alone("", None) == "not ordered by AutoSSL; AutoSSL leaves it alone"
    assert how_to_take_over("certbot", "a.test").startswith("autossl import certbot --website a.test")
    assert how_to_take_over("", "a.test") == "autossl website takeover on a.test"
    assert "once Apache's configuration is changed" in how_to_take_over("mod_md", "a.test")
    assert "switched off in HestiaCP" in how_to_take_over("HestiaCP", "a.test")
