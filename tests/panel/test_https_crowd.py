"""Who makes room for a newcomer, and what a whole request is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panel.https.arriving import LARGEST_BODY, LARGEST_HEAD, Arriving, Refused
from panel.https.crowd import Crowd, NoRoom, origin
from panel.https.leaving import HELD, Leaving

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab\r\n\r"


@dataclass(eq=False)
class One:
    source: str
    since: float
    busy: bool = False


def test_the_address_that_holds_most_gives_up_what_it_has_longest() -> None:
    crowd = Crowd(4)
    old = One("192.0.2.1", 1.0)
    greedy = [One("198.51.100.1", float(at)) for at in (5, 3, 4)]
    for one in (old, *greedy):
        assert crowd.enter(one) is None
    assert crowd.enter(One("192.0.2.9", 9.0)) is greedy[1]
    assert crowd.enter(One("198.51.100.1", 10.0)) is greedy[2], "at its own address as well"
    crowd.leave(old)
    crowd.leave(old)
    assert crowd.enter(One("203.0.113.1", 11.0)) is None


def test_among_as_many_addresses_who_waited_longest_goes() -> None:
    crowd = Crowd(3)
    all_of_them = [One(f"192.0.2.{at}", float(-at)) for at in range(1, 4)]
    for one in all_of_them:
        crowd.enter(one)
    assert crowd.enter(One("192.0.2.77", 5.0)) is all_of_them[2]


def test_who_is_busy_stays_and_where_all_are_there_is_no_room() -> None:
    crowd = Crowd(2)
    busy, idle = One("192.0.2.1", 1.0, busy=True), One("192.0.2.1", 2.0)
    crowd.enter(busy)
    crowd.enter(idle)
    assert crowd.enter(One("192.0.2.2", 3.0, busy=True)) is idle
    with pytest.raises(NoRoom):
        crowd.enter(One("192.0.2.3", 4.0))
    crowd.leave(busy)
    assert crowd.enter(One("192.0.2.3", 4.0)) is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True), ("192.0.2.1", "192.0.2.2", False), ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False), ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_an_ipv6_network_counts_as_one_address(first: str, second: str, same: bool) -> None:
    assert (origin(first) == origin(second)) is same


@given(st.lists(st.integers(1, 40), max_size=40), st.sampled_from([GET, POST, GET + POST, POST + GET + GET]))
def test_a_request_is_the_same_however_it_is_cut_up(cuts: list[int], whole: bytes) -> None:
    arriving, taken, at = Arriving(), b"", 0
    for size in [*cuts, len(whole)]:
        arriving.add(whole[at : at + size])
        at += size
        while len(arriving) and arriving.complete():
            request = arriving.take()
            assert request in (GET, POST)
            taken += request
    assert taken == whole


@given(st.binary(max_size=400))
def test_whatever_comes_is_a_request_or_refused_or_waited_for(rubbish: bytes) -> None:
    for raw in (rubbish, b"GET / HTTP/1.1\r\n" + rubbish + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n" + rubbish):
        arriving = Arriving()
        arriving.add(raw)
        try:
            if arriving.complete():
                assert len(arriving.take()) <= len(raw)
        except Refused as refused:
            assert refused.status[:3].isdigit()


def test_no_more_is_kept_of_a_request_than_was_measured_out() -> None:
    arriving = Arriving()
    arriving.add(b"x" * (LARGEST_HEAD + 1))
    with pytest.raises(Refused, match="414"):
        arriving.complete()
    arriving = Arriving()
    arriving.add(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1))
    with pytest.raises(Refused, match="413"):
        arriving.complete()


class Slow:
    """A client that takes `takes` bytes each time that something is sent."""

    def __init__(self, takes: int) -> None:
        self.takes, self.got = takes, b""

    def send(self, data: bytes) -> int:
        if len(self.got) >= self.takes:
            raise BlockingIOError
        part = data[: self.takes - len(self.got)]
        self.got += part
        return len(part)


def test_an_answer_is_kept_for_a_slow_client_and_given_up_for_one_that_takes_nothing() -> None:
    moments = [0.0]
    client = Slow(10)
    leaving = Leaving(client, lambda: moments[0])
    answer = bytes(range(256)) * 4096
    for at in range(0, len(answer), 1000):
        leaving.write(answer[at : at + 1000])
    assert leaving.waits() and client.got == answer[:10]
    client.takes = HELD + 20
    moments[0] = 15.0
    assert not leaving.send()
    moments[0] = 30.0
    client.takes = len(answer)
    assert leaving.send() and client.got == answer
    leaving.write(b"more")
    moments[0] = 60.0
    with pytest.raises(ConnectionResetError, match="did not take the next"):
        leaving.send()
    leaving.close()
