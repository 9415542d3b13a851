"""Questions to the root side as an attacker makes them: good ones of the grammar, with something hostile in them.

`python -m tests.attacks.hostile_questions SOCKET SEED COUNT`: asks COUNT of them, and good ones in between, and prints
what became of them as JSON: how many of each verb were sent, answered, refused, and ended with the connection.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jobs.demo.accounts import ACCOUNTS
from jobs.rootside import wire
from jobs.wiring.instance import now
from tests.authority import Authority, private

Words = dict[str, Any]
GOOD_EVERY = 250
SERVICES = ("apache", "dovecot", "exim", "webdisk")

HOSTED = tuple(account.domain for account in ACCOUNTS)
NAMES = (
    *HOSTED, *(f"www.{name}" for name in HOSTED), *(f"webdisk.{name}" for name in HOSTED), "evil.test",
    "mail.evil.test",
    "alice.test.", "ALICE.test", "al\u0131ce.test", "*.alice.test", "*.test", "*", "..", "../../etc",
    "alice.test/../bob.test",
    "/etc/shadow", "a\nSSLEngine off.test", 'a" b.test', "a'b.test", "a;b.test", "a{}.test", "$(id).test", "`id`.test",
    "%{HTTP_HOST}.test", "\0.test", "\ud800.test", "\u202e.test", "a" * 64 + ".test", "a." * 127 + "test", "", ".",
    " ", "-",
    "local_name x {\n}\n.test", "_acme-challenge.alice.test", "panel.bench.test", "xn--.test", "xn--a.test",
    "127.0.0.1", "[::1]",
)
SERIALS = (
    "..", "../../../../etc", "/etc", ".", "", "apache", "dovecot", "0", "f" * 40, "f" * 41, "a/b", "\0", "deadbeef\n",
    "-", "*",
    ".staged-x", "privkey.pem", "../bob.test/apache", "\u0661", "A" * 40, "0x1",
)
SOURCES = ("manifest", "../apache", "", "apache\n", "__class__", "panel", "a" * 5000, "/etc", "Apache", "certbot")
ODD_SERVICES = (*SOURCES, "postfix", "nginx", "root", "dovecot ", "exim4", "apache.py", "\ud800")
TEXTS = (*NAMES, *SERIALS, *SOURCES, "x" * 3000, "\x1b[31m", "\r\nroot: forged line")
RECORD_NAMES = (
    "alice.test", "_dmarc.alice.test", "default._domainkey.alice.test", "*.alice.test", "_acme-challenge.alice.test.",
    "_acme-challenge.elsewhere.test", "$INCLUDE /etc/shadow", "@", "alice.test\n@ IN A 192.0.2.1", "ns.bench.test",
    *NAMES,
)
RECORD_VALUES = (
    "", "v=spf1 +all", "a" * 42, "a" * 44, "a" * 43 + "\n", '0 issue ";"', '0 issue "a" ; x', '0 iodef "mailto:a@b"',
    "192.0.2.1",
    '0 issue "ca.test"\n@ IN A 192.0.2.1', '128 issue "a\\"b"', "(" * 43, "a" * 100_000,
)
ODD = (None, True, False, 0, -1, 1.5, 2**63, 10**300, "", "x", [], {}, [[]], {"a": 1}, [None], "\ud800", [0] * 50)


@dataclass
class Chains:
    """Pairs of the attacker's own, of every kind that a CA would not hand out."""

    own: Authority = field(default_factory=lambda: Authority("Evil", now()))
    pairs: list[tuple[bytes, tuple[bytes, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        wanted = [
            ["evil.test"], ["alice.test", "bob.test"], ["*.test"], ["bob.test"], ["*.alice.test", "bob.test"],
            ["alice.test"],
            ["mail.alice.test"], ["a" * 63 + ".alice.test"], [f"n{at}.alice.test" for at in range(1001)],
            ["ALICE.test"],
            ["alice.test\nbob.test"], ["..alice.test"], ["*.*.alice.test"], ["alice.test."],
            ["shop.carol.test", "evil.test"],
        ]
        good = [self.own.bundle(names) for names in wanted]
        odd_keys: list[Any] = [ec.generate_private_key(ec.SECP192R1()), rsa.generate_private_key(65537, 1024)]
        good += [self.own.bundle(["alice.test"], key) for key in odd_keys]
        good.append(self.own.signed_by_a_leaf(["alice.test"]))
        self.pairs = [(one.privkey, one.chain) for one in good]
        alice, other = self.own.bundle(["alice.test"]), private(ec.generate_private_key(ec.SECP256R1()))
        self.pairs += [
            (other, alice.chain), (b"", alice.chain), (b"no key", alice.chain), (alice.privkey[:-40], alice.chain),
            (alice.privkey, ()), (alice.privkey, (b"",)), (alice.privkey, alice.chain[::-1]),
            (alice.privkey, alice.chain * 40),
            (alice.privkey, (alice.chain[0], self.own.root)),
            (alice.privkey, (b"-----BEGIN CERTIFICATE-----\nAAAA\n",)),
            (alice.privkey, (alice.chain[0].replace(b"\nM", b"\nN", 1), *alice.chain[1:])),
            (b"x" * 300_000, alice.chain),
            (alice.privkey + alice.chain[0], (alice.chain[0] + alice.privkey, *alice.chain[1:])),
            (alice.privkey, (Path("/etc/passwd").read_bytes(),)),
        ]


class Hostile:
    """Makes questions. `luck` decides everything, so that a seed tells them all."""

    def __init__(self, luck: random.Random, chains: Chains) -> None:
        self._luck, self._chains = luck, chains
        self.makers: dict[str, tuple[int, Callable[[], Words]]] = {
            # weight in 100,000; what starts programs or scans /etc is asked for seldom
            "see": (33_000, self._see), "store": (2_000, self._store), "install": (3_000, self._install),
            "release": (2_000, self._release), "probe": (3_000, self._probe), "zone_for": (25_000, self._name),
            "add_record": (4_000, self._record), "remove_record": (2_000, self._record), "find": (18_000, self._source),
            "test": (2_000, self._odd_service), "reload": (1_500, self._odd_service),
            "lacking": (3_500, self._odd_service),
            "forget": (170, self._name), "hello": (500, dict), "written": (300, dict), "others": (200, dict),
            "recover": (15, dict), "refresh": (15, dict),
        }

    def question(self) -> tuple[str, bytes]:
        """A verb, and the message."""
        luck = self._luck
        verb = luck.choices(list(self.makers), [weight for weight, _ in self.makers.values()])[0]
        session = "0" * 32 if luck.random() < 0.998 else luck.choice(("", "x", None,
            "f" * 32))  # a new one asks programs
        message: Any = {"verb": verb, "session": session, "words": self.makers[verb][1]()}
        dice = luck.random()
        if dice < 0.15 and verb not in ("recover", "refresh"):
            self._exchange(message)
        raw = json.dumps(message, ensure_ascii=luck.random() < 0.5, allow_nan=True).encode("utf-8", "surrogatepass")
        if dice > 0.98:
            raw = self._torn(raw)
        length = len(raw) if dice < 0.995 else luck.choice((0, 1, len(raw) - 1, 2**32 - 1))
        return verb, struct.pack("!I", length) + raw

    def _exchange(self, message: Any) -> None:
        """Put something else in one place, or one thing more."""
        luck, at = self._luck, message
        for _ in range(luck.randint(0, 4)):
            inner = [one for one in (at.values() if isinstance(at, dict) else at) if isinstance(one,
                dict | list) and one]
            if not inner:
                break
            at = luck.choice(inner)
        odd = luck.choice(ODD) if luck.random() < 0.7 else luck.choice(TEXTS)
        if isinstance(at, dict):
            at[luck.choice([*at, "__class__", "more"])] = odd
        else:
            at[luck.randrange(len(at))] = odd

    def _torn(self, raw: bytes) -> bytes:
        luck = self._luck
        if luck.random() < 0.5:
            at = luck.randrange(len(raw))
            return raw[:at] + luck.randbytes(luck.randint(1, 8)) + raw[at + 1 :]
        return raw[: luck.randrange(len(raw))] or b"x"

    def _website(self) -> Words:
        luck = self._luck
        names = [luck.choice(NAMES) for _ in range(luck.choice((0, 1, 1, 1, 2, 3, 30)))]
        return {
            "account": luck.choice(("alice", "bob", "root", "../x", "", "a\nb", "alice;id")), "names": names,
            "docroot": luck.choice((None, "/", "/etc", "../..", "\0")), "source": luck.choice(SOURCES),
            "file": luck.choice((None, "/etc/shadow", "/etc/apache2/apache2.conf")),
            "line": luck.choice((None, 1, -1, 2**70)),
            "rejected": luck.choice(([], [["a", "b"]], [["\n", "\0"]])), "part_of": luck.choice((None, None, *NAMES)),
        }

    def _service(self) -> str:
        return self._luck.choice(SERVICES if self._luck.random() < 0.8 else ODD_SERVICES)

    def _see(self) -> Words:
        websites = [self._website() for _ in range(self._luck.choice((0, 1, 1, 2)))]
        return {"service": self._service(), "websites": websites, "forget": False}

    def _store(self) -> Words:
        key, chain = self._luck.choice(self._chains.pairs)
        website = self._website()
        if self._luck.random() < 0.3:
            website |= {"account": "alice", "names": [self._luck.choice(("alice.test", "evil.test"))], "part_of": None}
        return {"website": website, "privkey": _base64(key), "chain": [_base64(one) for one in chain]}

    def _install(self) -> Words:
        items = [{"website": self._website(),
            "serial": self._luck.choice(SERIALS)} for _ in range(self._luck.choice((0, 1, 1, 3)))]
        return {"service": self._service(), "items": items}

    def _release(self) -> Words:
        """Of no part that there is: one that has a name of its website would be let go of."""
        website = self._website()
        if website["part_of"] in HOSTED:
            website["part_of"] = None
        return {"service": self._service(), "website": website}

    def _probe(self) -> Words:
        names = [self._luck.choice(NAMES) for _ in range(self._luck.choice((0, 1, 5)))]
        certificate = {
            "names": names, "serial": self._luck.choice(SERIALS), "fingerprint": "", "issuer": "x",
            "self_signed": False,
            "not_before": "2026-01-01T00:00:00+00:00", "not_after": "9999-12-31T23:59:59-23:59", "key_type": "",
            "weak": False,
            "ari_point": None, "revoked_at": None, "taken_from": "",
        }
        website = {**self._website(), "names": ["nobody.test", *NAMES[-3:]]}
        return {"service": self._service(), "website": website, "certificate": certificate}

    def _name(self) -> Words:
        return {"name": self._luck.choice(TEXTS)}

    def _record(self) -> Words:
        return {
            "name": self._luck.choice(RECORD_NAMES), "kind": self._luck.choice(("TXT", "CAA", "A", "NS", "txt", "",
            "SOA\n")),
            "value": self._luck.choice(RECORD_VALUES), "ttl": self._luck.choice((300, 0, -1, 2**31, 10**50)),
        }

    def _source(self) -> Words:
        return {"source": self._luck.choice(SOURCES)}

    def _odd_service(self) -> Words:
        return {"service": self._luck.choice(ODD_SERVICES), "forget": self._luck.random() < 0.5}


@dataclass
class Asking:
    """One attacker. `good`: who asks as the panel does, in between; it must be answered as ever."""

    path: str
    sent: Counter[str] = field(default_factory=Counter)
    became: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    _connection: socket.socket | None = None

    def ask(self, verb: str, raw: bytes) -> None:
        self.sent[verb] += 1
        answer = self._answer(raw)
        if answer is None:
            self.became["ended"] += 1
        elif "failure" in answer:
            self.became["refused"] += 1
            self.codes[answer["failure"]["code"]] += 1
        else:
            self.became["answered"] += 1

    def good(self, words: Words) -> Any:
        answer = self._answer(wire.packed({"verb": "see", "session": "1" * 32, "words": words}, wire.LARGEST_QUESTION))
        assert answer is not None and "answer" in answer, answer
        return answer["answer"]

    def _answer(self, raw: bytes) -> Words | None:
        """None when the connection was ended for it, as at its half: then nothing more can come."""
        connection = self._connection or self._connected()
        self._connection = None
        try:
            connection.sendall(raw)
            if struct.unpack("!I", raw[:4])[0] > len(raw) - 4:
                connection.shutdown(socket.SHUT_WR)
            answer = wire.receive(connection, wire.LARGEST_ANSWER, 60)
        except (OSError, wire.BadMessage):
            answer = None
        if answer is None or struct.unpack("!I", raw[:4])[0] != len(raw) - 4:
            connection.close()
        else:
            self._connection = connection
        return answer

    def _connected(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(self.path)
        return made


def main(path: str, seed: int, count: int) -> None:
    hostile, asking = Hostile(random.Random(seed), Chains()), Asking(path)
    website = {"account": "alice", "names": [HOSTED[0]], "docroot": None, "source": "", "file": None, "line": None,
        "rejected": [],
               "part_of": None}
    goods: list[Any] = []
    for at in range(count):
        asking.ask(*hostile.question())
        if at % GOOD_EVERY == 0:
            (seen,) = asking.good({"service": "apache", "websites": [website], "forget": False})
            if seen not in goods:
                goods.append(seen)
    told = {"sent": asking.sent, "became": asking.became, "codes": asking.codes, "good": goods}
    json.dump(told, sys.stdout)


def _base64(content: bytes) -> str:
    return b64encode(content).decode("ascii")


def command(path: Path, seed: int, count: int) -> Sequence[str]:
    """As the user of the other side."""
    user = ("--reuid", "autossl", "--regid", "autossl", "--clear-groups")
    return ["setpriv", *user, sys.executable, "-m", "tests.attacks.hostile_questions", str(path), str(seed), str(count)]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
