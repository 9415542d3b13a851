"""Thousands of questions share a few sockets, and only the answer to a question counts as its answer."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import pytest

from jobs.preflight.engine import MOST_AT_ONCE, Engine
from jobs.preflight.message import Answer
from jobs.preflight.wire import Server, Status, Unusable, read
from tests.free_ports import free_port
from tests.jobs.preflight.name_servers import Fake, address, fails, says, serving, silent

NAME = "www.a.test"


def sockets() -> int:
    """How many sockets this process has."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += os.readlink(entry).startswith("socket:")
        except FileNotFoundError:  # the descriptor of this very listing
            continue
    return found


def addresses(answer: Answer, name: str = NAME) -> list[str]:
    return [value.address for value in read(answer, name, "A").values]


async def ask(fake: Fake, wait: float = 0.5, engine: Engine | None = None) -> list[str]:
    return addresses(await (engine or Engine()).ask(fake.server, NAME, "A", wait, recurse=False))


def forged(query: dns.message.Message, name: str = NAME, identity: int | None = None) -> bytes:
    """An answer with the attacker's address to a question that he has not quite seen."""
    other = dns.message.make_query(name, query.question[0].rdtype, id=query.id if identity is None else identity)
    return says(other, f"{NAME} 60 A 198.51.100.66").to_wire(max_size=65535)


def not_yet_an_answer(query: dns.message.Message) -> bytes:
    wire = bytearray(forged(query))
    wire[2] &= 0x7F
    return bytes(wire)


LIES: dict[str, Callable[[dns.message.Message], bytes]] = {
    "another number": lambda query: forged(query, identity=query.id ^ 1),
    "another name": lambda query: forged(query, name="wwx.a.test"),
    "the name in other letters": lambda query: forged(query, name="wWw.a.test"),
    "another kind": lambda query: says(
        dns.message.make_query(NAME, "AAAA", id=query.id), f"{NAME} 60 A 198.51.100.66"
    ).to_wire(max_size=65535),
    "a question": not_yet_an_answer,
    "no question": lambda query: forged(query)[:4] + b"\0\0" + forged(query)[6:],
    "half a header": lambda query: forged(query)[:7],
    "nothing": lambda query: b"",
}


@pytest.mark.parametrize("lie", LIES)
def test_what_does_not_fit_the_question_is_no_answer(lie: str) -> None:
    def tell(query: dns.message.Message, fake: Fake) -> bytes:
        fake.send(LIES[lie](query))
        return address(query, fake)

    async def look() -> list[str]:
        async with serving(tell, delay=0.05) as fake:
            return await ask(fake)

    assert asyncio.run(look()) == ["192.0.2.1"]


@pytest.mark.parametrize("place", ["another port", "another address"])
def test_an_answer_from_somewhere_else_is_no_answer(place: str) -> None:
    async def look() -> list[str]:
        port = free_port("127.0.0.1", "127.0.0.2")
        other = ("127.0.0.2", port) if place == "another address" else ("127.0.0.1", 0)
        async with serving(silent, address=other[0], port=other[1]) as attacker:

            def tell(query: dns.message.Message, fake: Fake) -> bytes:
                attacker.client = fake.client
                attacker.send(forged(query))
                return address(query, fake)

            async with serving(tell, delay=0.05, address="127.0.0.1", port=port) as fake:
                return await ask(fake)

    assert asyncio.run(look()) == ["192.0.2.1"]


def test_a_forged_answer_alone_is_silence() -> None:
    async def look() -> None:
        async with serving(lambda query, fake: forged(query, identity=query.id ^ 1)) as fake:
            with pytest.raises(Unusable, match="didn't answer within") as caught:
                await ask(fake, wait=0.2)
            assert caught.value.silent

    asyncio.run(look())


def test_a_flood_of_rubbish_from_the_server_itself_holds_nobody_up() -> None:
    rubbish = [random.Random(7).randbytes(size % 600) for size in range(3000)]

    def tell(query: dns.message.Message, fake: Fake) -> bytes:
        for wire in rubbish:
            fake.send(wire)
        return address(query, fake)

    async def look() -> list[list[str]]:
        async with serving(tell, delay=0.3) as noisy, serving(address) as quiet:
            engine = Engine()
            return list(await asyncio.gather(ask(noisy, 5, engine), ask(quiet, 5, engine)))

    assert asyncio.run(look()) == [["192.0.2.1"], ["192.0.2.1"]]


def test_a_question_that_got_lost_is_sent_once_more() -> None:
    def tell(query: dns.message.Message, fake: Fake) -> bytes | None:
        return address(query, fake) if len(fake.asked) == 2 else None

    async def look() -> int:
        async with serving(tell) as fake:
            assert await ask(fake, wait=0.5) == ["192.0.2.1"]
            return len(set(fake.ports))

    assert asyncio.run(look()) == 1


def test_a_server_gets_no_more_questions_at_a_time_than_it_can_bear() -> None:
    async def look() -> tuple[int, int]:
        async with serving(address, delay=0.3) as fake:
            engine, names = Engine(), [f"n{number}.a.test" for number in range(600)]
            answers = await asyncio.gather(*(engine.ask(fake.server, name, "A", 2, False) for name in names))
            found = [addresses(answer, name) for answer, name in zip(answers, names, strict=True)]
            assert found == [["192.0.2.1"]] * 600
            return fake.most_open, len(fake.asked)

    assert asyncio.run(look()) == (MOST_AT_ONCE, 600)


def test_thousands_of_questions_share_a_few_sockets_whose_ports_change_and_none_is_left() -> None:
    before, most = sockets(), 0

    async def look() -> set[int]:
        nonlocal most
        async with serving(address) as fake:
            engine = Engine()

            async def one(number: int) -> None:
                nonlocal most
                await engine.ask(fake.server, f"n{number}.a.test", "A", 5, False)
                most = max(most, sockets()) if number % 500 == 0 else most

            await asyncio.gather(*map(one, range(6000)))
            return set(fake.ports)

    ports = asyncio.run(look())
    assert len(ports) > 16
    assert most - before <= 4 + 16
    assert sockets() == before


def test_questions_one_after_the_other_each_come_from_a_port_of_their_own() -> None:
    async def look() -> list[int]:
        async with serving(address) as fake:
            engine = Engine()
            for _ in range(20):
                await ask(fake, engine=engine)
            return fake.ports

    ports = asyncio.run(look())
    assert len(set(ports)) > 15


def test_who_is_cancelled_leaves_no_socket_and_no_place_behind() -> None:
    async def look() -> tuple[int, int]:
        async with serving(silent) as mute:
            before = sockets()
            engine = Engine()
            asking = [asyncio.create_task(ask(mute, 60, engine)) for _ in range(2 * MOST_AT_ONCE)]
            await asyncio.sleep(0.05)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            mute.tell = address
            assert await ask(mute, engine=engine) == ["192.0.2.1"]
            return before, sockets()

    before, after = asyncio.run(look())
    assert before == after


def test_a_dead_server_is_found_out_once_and_not_for_every_name() -> None:
    async def look() -> int:
        async with serving(silent) as mute:
            engine = Engine()
            asked = [engine.ask(mute.server, f"n{number}.a.test", "A", 0.3, False) for number in range(1000)]
            troubles = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(trouble, Unusable) and trouble.silent for trouble in troubles)
            return len(mute.asked)

    assert asyncio.run(look()) <= 2 * MOST_AT_ONCE + 2


def test_a_live_resolver_is_not_taken_for_dead_because_of_names_that_it_can_not_find() -> None:
    def tell(query: dns.message.Message, fake: Fake) -> bytes | None:
        return None if b"slow" in query.question[0].name.labels[0] else address(query, fake)

    async def look() -> list[str]:
        async with serving(tell) as fake:
            engine = Engine()
            slow = [engine.ask(fake.server, f"slow{number}.a.test", "A", 0.1, True) for number in range(30)]
            assert all(isinstance(one, Unusable) for one in await asyncio.gather(*slow, return_exceptions=True))
            return await ask(fake, engine=engine)

    assert asyncio.run(look()) == ["192.0.2.1"]


@pytest.mark.parametrize("code", [dns.rcode.FORMERR, dns.rcode.NOTIMP])
@pytest.mark.parametrize("header_only", [False, True])
def test_a_server_that_knows_no_edns_is_asked_without(code: dns.rcode.Rcode, header_only: bool) -> None:
    def tell(query: dns.message.Message, fake: Fake) -> bytes:
        if query.edns < 0:
            return address(query, fake)
        answer = says(query, code=code)
        answer.use_edns(-1)
        if header_only:
            answer.question = []
        return answer.to_wire(max_size=65535)

    async def look() -> list[int]:
        async with serving(tell) as fake:
            engine = Engine()
            assert await ask(fake, engine=engine) == ["192.0.2.1"] and len(fake.asked) == 2
            assert await ask(fake, engine=engine) == ["192.0.2.1"]
            return [len(fake.asked)]

    assert asyncio.run(look()) == [3]


def test_an_error_is_told_with_what_the_server_says_about_it() -> None:
    def tell(query: dns.message.Message, fake: Fake) -> bytes:
        answer = says(query, code=dns.rcode.SERVFAIL)
        answer.use_edns(0, options=[dns.edns.EDEOption(7, "\x1b[31m")])
        return answer.to_wire(max_size=65535)

    async def look() -> Unusable:
        async with serving(tell) as fake:
            with pytest.raises(Unusable) as caught:
                await ask(fake)
            assert str(caught.value).endswith("answered SERVFAIL (signature expired)")
            return caught.value

    trouble = asyncio.run(look())
    assert (trouble.silent, trouble.code, [error.code for error in trouble.extended_errors]) == (False, 2, [7])


def test_a_record_that_can_not_be_read_makes_the_answer_unusable() -> None:
    def tell(query: dns.message.Message, fake: Fake) -> bytes:
        return address(query, fake).replace(b"\0\4\xc0\0\2\1", b"\0\3\xc0\0\2")

    async def look() -> None:
        async with serving(tell) as fake:
            with pytest.raises(Unusable, match="an address of 3 bytes"):
                await ask(fake)

    asyncio.run(look())


def test_no_network_is_told_as_that() -> None:
    with pytest.raises(Unusable, match="can't be reached") as caught:
        asyncio.run(Engine().ask(Server("255.255.255.255"), NAME, "A", 0.2, False))
    assert caught.value.silent


def test_a_name_that_can_not_be_written_is_not_asked() -> None:
    for name in ("a" * 64 + ".test", ".".join(["a" * 60] * 5), "a..test", "\u00fc" * 80):
        with pytest.raises(Unusable):
            asyncio.run(Engine().ask(Server("127.0.0.1"), name, "A", 0.2, False))


# --- TCP


def cut(query: dns.message.Message, fake: Fake) -> bytes:
    answer = says(query)
    answer.flags |= dns.flags.TC
    return answer.to_wire(max_size=65535)


Talk = Callable[[dns.message.Message, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def over_tcp(talk: Talk, wait: float = 0.5) -> list[str]:
    """What comes of an answer that is cut short when the TCP server talks like this."""

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        query = dns.message.from_wire(await reader.readexactly(size))
        try:
            await talk(query, writer)
            await writer.drain()
        except ConnectionError:
            pass  # who asked went away
        finally:
            writer.close()

    async with serving(cut, stream=stream) as fake:
        return await ask(fake, wait=wait)


def framed(query: dns.message.Message, count: int = 1) -> bytes:
    records = (f"{NAME} 60 A 192.0.{number // 250}.{number % 250}" for number in range(count))
    wire = says(query, *records).to_wire(max_size=65535)
    return len(wire).to_bytes(2, "big") + wire


def test_an_answer_too_long_for_udp_is_fetched_by_tcp() -> None:
    async def talk(query: dns.message.Message, writer: asyncio.StreamWriter) -> None:
        for byte in framed(query, 300):
            writer.write(bytes([byte]))

    assert len(asyncio.run(over_tcp(talk))) == 300


def test_a_tcp_server_that_drips_is_given_up_in_time() -> None:
    before = sockets()

    async def talk(query: dns.message.Message, writer: asyncio.StreamWriter) -> None:
        for byte in framed(query, 300):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    with pytest.raises(Unusable, match=r"no whole answer by TCP within 0\.3 s") as caught:
        asyncio.run(over_tcp(talk, wait=0.3))
    assert not caught.value.silent
    assert sockets() == before


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (lambda query: b"", "the connection was closed"),
        (lambda query: framed(query)[:-3], "the connection was closed"),
        (lambda query: framed(query)[:2] + b"xx" + framed(query)[4:], "it answered another question"),
        (lambda query: b"\0\1x", "it answered another question"),
        (lambda query: b"\xff\xff" + framed(query)[2:] + b"\0" * (0xFFFF - len(framed(query)) + 2), "192.0.0.0"),
    ],
    ids=["nothing", "half", "another number", "one byte", "rubbish behind it"],
)
def test_what_a_tcp_server_sends_has_to_be_the_answer(
    sent: Callable[[dns.message.Message], bytes], words: str
) -> None:
    async def talk(query: dns.message.Message, writer: asyncio.StreamWriter) -> None:
        writer.write(sent(query))

    try:
        said = str(asyncio.run(over_tcp(talk)))
    except Unusable as trouble:
        said = trouble.detail
    assert words in said


def test_a_server_without_tcp_is_told_so() -> None:
    async def look() -> None:
        async with serving(cut) as fake:
            with pytest.raises(Unusable, match="too long for UDP, and by TCP") as caught:
                await ask(fake)
            assert not caught.value.silent

    asyncio.run(look())


def test_a_failing_server_is_not_a_missing_name() -> None:
    async def look() -> None:
        async with serving(fails) as fake:
            with pytest.raises(Unusable, match="SERVFAIL"):
                await ask(fake)
        async with serving(lambda query, fake: says(query, code=dns.rcode.NXDOMAIN).to_wire(max_size=65535)) as fake:
            answer = await Engine().ask(fake.server, NAME, "A", 0.5, False)
            assert read(answer, NAME, "A").status is Status.NXDOMAIN

    asyncio.run(look())
