"""Lineages are read only as root alone could have left them; whatever else stands there is told and not taken."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs import privileged
from jobs.lineages import read_lineages
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.lineage import Lineage
from jobs.policy.other_clients import Client
from jobs.policy.proof import prove
from tests.fakes import NOW, TestCA
from tests.jobs.lineages import laid_out

CA = TestCA()
SOMEBODY = 12345


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    made = tmp_path / "letsencrypt"
    made.mkdir()
    return made


def bundle(*names: str) -> Bundle:
    return CA.bundle(names)


def only(directory: Path, client: Client = Client.CERTBOT) -> Lineage:
    (found,) = read_lineages(client, directory)
    return found


def refused(directory: Path, words: str, client: Client = Client.CERTBOT) -> None:
    found = only(directory, client)
    assert found.bundle is None and words in found.trouble, found.trouble


def test_a_lineage_of_certbot_is_read_with_its_key_its_chain_and_its_ca(etc: Path) -> None:
    own = bundle("a.test", "www.a.test")
    laid_out.certbot(etc, "a.test", own)
    found = only(etc)
    assert (found.name, found.server, found.renewal, found.trouble) == ("a.test", laid_out.SERVER, False, "")
    assert found.bundle == own
    assert found.stop == f"mv {etc}/renewal/a.test.conf {etc}/renewal/a.test.conf.off"
    prove(found.bundle, ("a.test", "www.a.test"), NOW)


def test_the_version_that_is_live_is_the_one_that_is_read_and_a_later_one_is_a_renewal(etc: Path) -> None:
    laid_out.certbot(etc, "a.test", bundle("a.test"))
    second = bundle("a.test")
    laid_out.certbot(etc, "a.test", second, version=2)
    assert only(etc).bundle == second and only(etc).renewal


def test_a_certificate_of_acme_sh_is_read_without_the_parameters_before_its_key(tmp_path: Path) -> None:
    own = bundle("a.test")
    laid_out.acme_sh(tmp_path, "a.test", own)
    found = only(tmp_path, Client.ACME_SH)
    assert (found.name, found.server, found.bundle) == ("a.test_ecc", laid_out.SERVER, own)
    assert found.stop == f"{tmp_path}/acme.sh --home {tmp_path} --remove -d a.test --ecc"


def test_an_rsa_certificate_and_a_wildcard_of_acme_sh_are_read_as_well(tmp_path: Path) -> None:
    laid_out.acme_sh(tmp_path, "*.a.test", bundle("*.a.test"), ecc=False)
    found = only(tmp_path, Client.ACME_SH)
    assert found.bundle is not None and "'*.a.test'" in found.stop and "--ecc" not in found.stop


def test_what_the_client_does_not_renew_any_more_is_passed_over(etc: Path, tmp_path: Path) -> None:
    laid_out.certbot(etc, "a.test", bundle("a.test"))
    conf = etc / "renewal" / "a.test.conf"
    conf.rename(f"{conf}.off")
    assert read_lineages(Client.CERTBOT, etc) == []
    own = laid_out.acme_sh(tmp_path / "home", "a.test", bundle("a.test"))
    (own / "a.test.conf").unlink()
    assert read_lineages(Client.ACME_SH, tmp_path / "home") == []


def test_a_directory_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    for client in (Client.CERTBOT, Client.ACME_SH):
        with pytest.raises(Failure, match="reading the directory"):
            read_lineages(client, tmp_path / "nowhere")


def test_one_that_is_damaged_keeps_no_other_from_being_read(etc: Path) -> None:
    laid_out.certbot(etc, "a.test", bundle("a.test"))
    (laid_out.certbot(etc, "b.test", bundle("b.test")) / "privkey.pem").unlink()
    first, second = read_lineages(Client.CERTBOT, etc)
    assert first.bundle is not None and "there is no such file" in second.trouble


# --- what somebody else may have put there


def test_a_link_out_of_the_lineages_own_tree_is_not_followed(etc: Path) -> None:
    live = laid_out.certbot(etc, "a.test", bundle("a.test"))
    outside = etc.parent / "shadow.pem"
    outside.write_bytes(bundle("a.test").privkey)
    (live / "privkey.pem").unlink()
    (live / "privkey.pem").symlink_to(outside)
    refused(etc, "outside of")


def test_a_link_to_another_lineages_key_is_not_followed(etc: Path) -> None:
    laid_out.certbot(etc, "b.test", bundle("b.test"))
    live = laid_out.certbot(etc, "a.test", bundle("a.test"))
    (live / "privkey.pem").unlink()
    (live / "privkey.pem").symlink_to("../../archive/b.test/privkey1.pem")
    found = {one.name: one for one in read_lineages(Client.CERTBOT, etc)}
    assert "outside of" in found["a.test"].trouble and found["b.test"].bundle is not None


def test_an_archive_that_the_configuration_puts_elsewhere_is_not_believed(etc: Path) -> None:
    live = laid_out.certbot(etc, "a.test", bundle("a.test"))
    away = etc.parent / "away"
    (etc / "archive" / "a.test").rename(away)
    for link in live.glob("*.pem"):
        target = away / link.readlink().name
        link.unlink()
        link.symlink_to(target)
    conf = etc / "renewal" / "a.test.conf"
    conf.write_text(conf.read_text().replace(f"{etc}/archive/a.test", str(away)))
    refused(etc, "outside of")


def test_links_in_a_circle_are_told(etc: Path) -> None:
    live = laid_out.certbot(etc, "a.test", bundle("a.test"))
    (live / "privkey.pem").unlink()
    (live / "privkey.pem").symlink_to("privkey.pem")
    assert only(etc).bundle is None


def everybody_may_write_the_key(etc: Path) -> None:
    (etc / "archive" / "a.test" / "privkey1.pem").chmod(0o666)


def a_group_may_write_the_chain(etc: Path) -> None:
    (etc / "archive" / "a.test" / "fullchain1.pem").chmod(0o664)


def the_key_is_somebodys(etc: Path) -> None:
    os.chown(etc / "archive" / "a.test" / "privkey1.pem", SOMEBODY, -1)


def the_archive_is_somebodys(etc: Path) -> None:
    os.chown(etc / "archive" / "a.test", SOMEBODY, -1)


def the_directory_of_links_is_somebodys(etc: Path) -> None:
    os.chown(etc / "live" / "a.test", SOMEBODY, -1)


def everybody_may_write_the_configuration(etc: Path) -> None:
    (etc / "renewal" / "a.test.conf").chmod(0o666)


def all_of_it_is_somebodys(etc: Path) -> None:
    os.chown(etc, SOMEBODY, -1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(
    "spoil",
    [everybody_may_write_the_key, a_group_may_write_the_chain, the_key_is_somebodys, the_archive_is_somebodys,
     the_directory_of_links_is_somebodys, everybody_may_write_the_configuration, all_of_it_is_somebodys],
    ids=lambda one: one.__name__,
)
def test_nothing_that_others_than_root_may_have_written_is_believed(etc: Path, spoil: Callable[[Path], None]) -> None:
    laid_out.certbot(etc, "a.test", bundle("a.test"))
    spoil(etc)
    refused(etc, "nothing in it is believed")


def test_a_pipe_in_the_place_of_a_key_holds_nothing_up(etc: Path) -> None:
    laid_out.certbot(etc, "a.test", bundle("a.test"))
    key = etc / "archive" / "a.test" / "privkey1.pem"
    key.unlink()
    os.mkfifo(key, 0o600)
    refused(etc, "expected a regular file")


def test_a_file_without_end_is_not_read_to_its_end(etc: Path) -> None:
    laid_out.certbot(etc, "a.test", bundle("a.test"))
    (etc / "archive" / "a.test" / "fullchain1.pem").write_bytes(b"x" * 300 * 1024)
    refused(etc, "larger than")


NO_KEY = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("content", [b"", b"garbage", NO_KEY])
def test_a_key_that_is_none_is_told(etc: Path, content: bytes) -> None:
    laid_out.certbot(etc, "a.test", bundle("a.test"))
    (etc / "archive" / "a.test" / "privkey1.pem").write_bytes(content)
    refused(etc, "the private key")


def test_a_chain_without_a_certificate_and_one_with_far_too_many_are_told(etc: Path) -> None:
    own = bundle("a.test")
    laid_out.certbot(etc, "a.test", own)
    for content in (b"nothing", own.leaf * 11):
        (etc / "archive" / "a.test" / "fullchain1.pem").write_bytes(content)
        refused(etc, "expected 1 to 10 certificates")


def test_a_configuration_that_is_garbage_is_told(etc: Path) -> None:
    laid_out.certbot(etc, "a.test", bundle("a.test"))
    (etc / "renewal" / "a.test.conf").write_bytes(b"\x00\xff garbage\nwithout sense\n")
    refused(etc, "its renewal configuration")


def test_a_name_that_could_be_an_option_or_a_path_is_not_taken(etc: Path) -> None:
    for name in ("-rf", "a b", "$(x)"):
        (etc / "live" / name).mkdir(parents=True)
    found = read_lineages(Client.CERTBOT, etc)
    assert len(found) == 3 and all(one.trouble == "it has an odd name" and not one.stop for one in found)


def test_a_directory_that_is_a_link_is_no_lineage(etc: Path) -> None:
    laid_out.certbot(etc, "a.test", bundle("a.test"))
    (etc / "live" / "b.test").symlink_to("/etc")
    assert [one.name for one in read_lineages(Client.CERTBOT, etc)] == ["a.test"]


def test_a_certificate_of_acme_sh_that_says_to_be_of_another_domain_is_not_taken(tmp_path: Path) -> None:
    own = laid_out.acme_sh(tmp_path, "a.test", bundle("a.test"))
    (own / "a.test.conf").write_text("Le_Domain='b.test'\n")
    refused(tmp_path, "expected Le_Domain to be a.test", Client.ACME_SH)


def test_a_directory_in_which_everybody_may_write_is_fine_only_where_nobody_may_touch_what_is_anothers(
    tmp_path: Path
) -> None:
    place = tmp_path / "open"
    place.mkdir()
    own = place / "own"
    own.mkdir()
    (own / "file").write_bytes(b"x")
    place.chmod(0o1777)
    found = privileged.read_trusted(own / "file", [own])
    assert found is not None and found.content == b"x"
    place.chmod(0o777)
    with pytest.raises(Failure, match="nothing in it is believed"):
        privileged.read_trusted(own / "file", [own])


def test_a_file_is_not_trusted_where_a_link_leads_through_a_directory_of_others(tmp_path: Path) -> None:
    room = tmp_path / "theirs"
    room.mkdir()
    (room / "config.toml").write_text("")
    link = tmp_path / "config.toml"
    link.symlink_to(room / "config.toml")
    privileged.refuse_untrusted(link)
    room.chmod(0o777)
    with pytest.raises(Failure, match="others than root may write to it"):
        privileged.refuse_untrusted(link)
