"""Apache is asked each time, and what it says is read once for as long as somebody holds the reading: on a real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs import privileged
from tests.jobs.services.apache_bench import Bench

pytestmark = pytest.mark.e2e(timeout=120)

WHERE = privileged.WhereApacheIs()


@pytest.fixture
def bench() -> Iterator[Bench]:
    running = Bench(modules=("ssl",))
    yield running
    running.clear()


def vhost(name: str) -> str:
    return f"<VirtualHost *:80>\nServerName {name}\n</VirtualHost>\n"


def names(found: privileged.ApacheConfiguration) -> set[str | None]:
    return {one.server_name for one in found.vhosts}


def test_who_is_told_the_same_shares_one_reading(bench: Bench) -> None:
    bench.write("a", vhost("a.test"))
    first, second = (privileged.apache_configuration(WHERE) for _ in range(2))
    assert second is first


def test_what_apache_says_anew_is_read_anew_while_the_former_is_held(bench: Bench) -> None:
    bench.write("a", vhost("a.test"))
    former = privileged.apache_configuration(WHERE)
    bench.write("a", vhost("b.test"))
    assert names(privileged.apache_configuration(WHERE)) == {"b.test"}
    bench.write("a", vhost("a.test"))
    assert names(privileged.apache_configuration(WHERE)) == names(former) == {"a.test"}
