"""Whose a website is: the user it runs as, else the person who owns the docroot, else the home it lies in."""

from __future__ import annotations

import pytest

from jobs.policy.ownership import OwnerFacts, owner
from jobs.policy.site import UNASSIGNED


@pytest.mark.parametrize(("facts", "expected"), [
    (OwnerFacts(), UNASSIGNED),
    # suexec or ITK
    (OwnerFacts(run_as="alice"), "alice"),
    (OwnerFacts("alice", "/home/bob/web", 1002, "bob"), "alice"),
    (OwnerFacts("root", "/home/bob/web", 1002, "bob"), "bob"),
    (OwnerFacts("root"), UNASSIGNED),
    (OwnerFacts("no such/name", "/srv/x", 1001, "alice"), "alice"),
    # who owns the docroot
    (OwnerFacts(None, "/srv/www/a", 1000, "alice"), "alice"),
    (OwnerFacts(None, "/home/bob/web", 1001, "alice"), "alice"),
    (OwnerFacts(None, "/srv/www/a", 999, "daemon"), UNASSIGNED),
    (OwnerFacts(None, "/srv/www/a", 0, "root"), UNASSIGNED),
    (OwnerFacts(None, "/srv/www/a", 65534, "nobody"), UNASSIGNED),
    (OwnerFacts(None, "/srv/www/a", 1001, None), UNASSIGNED),
    (OwnerFacts(None, "/srv/www/a", 1001, "DOMAIN\\alice"), UNASSIGNED),
    # the home
    (OwnerFacts(None, "/home/alice/web", 33, "www-data"), "alice"),
    (OwnerFacts(None, "/home/alice", None, None), "alice"),
    (OwnerFacts(None, "//home//alice/./web", None, None), "alice"),
    (OwnerFacts(None, "/home/alice/../bob/web", None, None), "bob"),
    (OwnerFacts(None, "/home/../etc/alice", None, None), UNASSIGNED),
    (OwnerFacts(None, "/home", None, None), UNASSIGNED),
    (OwnerFacts(None, "/home/", None, None), UNASSIGNED),
    (OwnerFacts(None, "/homes/alice", None, None), UNASSIGNED),
    (OwnerFacts(None, "home/alice", None, None), UNASSIGNED),
    (OwnerFacts(None, "/home/al ice; rm/web", None, None), UNASSIGNED),
    (OwnerFacts(None, "/home/lost+found", None, None), UNASSIGNED),
])
def test_the_first_clue_that_names_an_account_decides(facts: OwnerFacts, expected: str) -> None:
    assert owner(facts) == expected
