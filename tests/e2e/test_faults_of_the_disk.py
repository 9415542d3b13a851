"""Whatever a disk does: what was served is served, nothing is half-written, and the work is done afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.demo.product import INSTANCE
from tests.e2e.faults import Server, a_file_instead, full, read_only

pytestmark = pytest.mark.e2e(timeout=180)

ETC = Path("/etc/apache2/sites-enabled")
OLD, *NAMES = [f"site{number}.test" for number in range(5)]


@pytest.fixture(scope="module")
def server() -> Server:
    made = Server(OLD, *NAMES)
    assert made.check()[OLD]["outcome"] == "installed"
    return made


def half_written() -> list[Path]:
    live, keys = INSTANCE / "tls" / "live", INSTANCE / "keys"
    return [*live.rglob(".*"), *ETC.glob(".*autossl"), *keys.rglob(".*"), *(keys / "orders").iterdir()]


def healed(server: Server, name: str, orders: int) -> None:
    """The fault is over, and nobody has to say so: a check does what was left."""
    before = server.ca.issued()
    assert server.check_of(name)["outcome"] == "installed"
    assert server.ca.issued() - before == orders
    assert (server.serves(name), server.serves(OLD), half_written()) == ("", "", [])


def test_logs_that_have_no_room_cost_no_certificate(server: Server) -> None:
    name = server.add_to_running()
    with full(INSTANCE / "logs"):
        ended = server.product.run("check", "--user", name.partition(".")[0])
        assert server.serves(name) == ""
    assert "No space left on device; the run goes on" in ended.stderr and "Traceback" not in ended.stderr
    runs = server.product.run("log", "list", "--json").json()["runs"]
    assert [run["result"] for run in runs] == ["done", "done"]


def test_a_configuration_that_can_not_be_written_stays_as_it_is(server: Server) -> None:
    """The certificate is there meanwhile, so it is not ordered again."""
    name = server.add_to_running()
    for fault, words in ((full, "No space left on device"), (read_only, "Read-only file system")):
        with fault(ETC):
            site = server.check_of(name)
            assert site["services"]["apache"]["state"] == "failed" and words in site["services"]["apache"]["text"]
            assert server.serves(OLD) == ""
        assert list(ETC.glob(".*autossl")) == []
    healed(server, name, 0)


def test_keys_certificates_and_challenges_that_can_not_be_written_are_told(server: Server) -> None:
    name = server.add_to_running()
    told = []
    for place, fault in (("keys/orders", full), ("challenges", a_file_instead), ("tls/live", full)):
        with fault(INSTANCE / place):
            site = server.check_of(name)
            told.append(str(site["problem"]) + str(site["left_off"]))
            assert site["outcome"] != "installed" and server.serves(OLD) == ""
    assert "No space left on device" in told[0] and "store_failed" in told[0]
    assert "Not a directory" in told[1] and "challenge_not_written" in told[1]
    assert "No space left on device" in told[2] and "the former one stays in use" in told[2]
    (INSTANCE / "challenges").rmdir()  # somebody tidies up; it is made again
    healed(server, name, 0)  # for the order is gone on with, and its certificate downloaded once more


def test_an_installation_that_can_not_be_written_orders_nothing_that_it_could_not_remember(server: Server) -> None:
    name = server.add_to_running()
    before = server.ca.issued()
    with read_only(INSTANCE):
        for words in (["check", "--all"], ["option", "set", "log_days", "10"], ["serve", "--single"]):
            ended = server.product.run(*words, expected=(1, 2))
            assert "read-only" in ended.stderr and "Traceback" not in ended.stderr
        assert server.serves(OLD) == ""
    with full(INSTANCE):
        ended = server.product.run("check", "--all", expected=(1,))
        assert "full" in ended.stderr and "Traceback" not in ended.stderr
        assert server.serves(OLD) == ""
    assert server.ca.issued() == before
    healed(server, name, 1)
