"""Manifest files: what is read from `sites.d/`, and what is refused in one sentence that names file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.accounts.manifest import Manifest, Options, Source, manifest_path, manifest_text
from jobs.policy.failure import Failure
from jobs.policy.site import Account, Website
from jobs.ports import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "sites.d").mkdir()
    return Place(tmp_path)


def source(place: Place, **files: str) -> Source:
    for name, text in files.items():
        (place.instance / "sites.d" / f"{name}.toml").write_text(text)
    return Source(Options(), place)


def test_an_account_is_read_with_its_websites(place: Place) -> None:
    found = source(
        place,
        alice="account = 'alice'\ncontact = 'a@alice.test'\npackage = 'gold'\n"
        "[[websites]]\nnames = ['Alice.test.', 'www.alice.test', 'bücher.test']\ndocroot = '/srv/alice'\n",
    )
    assert list(found.accounts()) == [Account("alice", "a@alice.test", "gold")]
    (website,) = found.websites()
    assert website.names == ("alice.test", "www.alice.test", "xn--bcher-kva.test")
    assert (website.account, website.docroot, website.source) == ("alice", "/srv/alice", "manifest")


def test_the_file_name_is_the_account_when_the_file_does_not_say(place: Place) -> None:
    assert [account.name for account in source(place, bob="").accounts()] == ["bob"]


def test_what_was_written_reads_the_same(place: Place) -> None:
    website = Website("carol", ("carol.test", "*.carol.test"), "/srv/carol's place", "manifest")
    manifest = Manifest(Account("carol", None, "default", "reseller1"), (website,))
    manifest_path(place, "carol").write_bytes(manifest_text(manifest))
    found = Source(Options(), place)
    assert list(found.accounts()) == [manifest.account]
    (read,) = found.websites()
    assert (read.names, read.docroot) == (website.names, website.docroot)


def test_a_name_that_can_not_be_a_host_is_kept_with_its_reason(place: Place) -> None:
    found = source(place, dan="[[websites]]\nnames = ['dan.test', 'a\\nb', '10.0.0.1', 'under_score.test']\n")
    (website,) = found.websites()
    assert website.names == ("dan.test",)
    assert [text for text, _ in website.rejected] == ["a\\nb", "10.0.0.1", "under_score.test"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "expected TOML"),
        ("acount = 'x'", "acount: expected one of account, contact"),
        ("contact = 5", "contact: expected str, got 5"),
        ("contact = 'nobody'", "expected a mail address"),
        ("account = '../etc'", "an account name has letters"),
        ("[[websites]]\ndocroot = '/x'", "websites[0].names: expected a list"),
        ("[[websites]]\nnames = [5]", "websites[0].names: expected a list"),
        ("[[websites]]\nnames = ['a.test']\ndocroot = 'relative'", "docroot: expected an absolute path"),
        ('[[websites]]\nnames = ["a.test"]\ndocroot = "/a\\nInclude"', "docroot: expected an absolute path"),
        ("websites = [5]", "websites[0]: expected a table"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_what_was_expected(place: Place, text: str, said: str) -> None:
    with pytest.raises(Failure) as caught:
        source(place, good="[[websites]]\nnames = ['good.test']\n", wrong=text).websites()
    assert caught.value.code == "manifest_invalid"
    assert "wrong.toml" in caught.value.detail and "good.toml" not in caught.value.detail
    assert said in caught.value.detail
    assert "\n" not in caught.value.detail


def test_two_files_for_one_account_are_a_mistake(place: Place) -> None:
    with pytest.raises(Failure, match=r"stands in a\.toml already"):
        source(place, a="account = 'erin'", b="account = 'erin'").accounts()


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x" * 65, "a\n"])
def test_a_name_that_leads_out_of_the_folder_is_refused(place: Place, name: str) -> None:
    with pytest.raises(Failure) as caught:
        manifest_path(place, name)
    assert caught.value.code == "name_invalid"
