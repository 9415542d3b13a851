"""Attacks of somebody who has the side without rights, and knows the contract: each against the real daemons."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from jobs import privileged
from jobs.demo import accounts as demo_accounts
from jobs.demo.daemons import apache, bind, dovecot, exim
from jobs.demo.product import INSTANCE
from jobs.policy.certificate import Bundle
from jobs.policy.failure import Failure
from jobs.policy.proof import read_certificate, read_der
from jobs.policy.site import Website
from jobs.ports import Endpoint, Record
from jobs.rootside import verbs
from jobs.rootside.client import Conversation
from jobs.wiring import root_sets
from jobs.wiring.instance import now
from jobs.wiring.root_host import PROGRAMS, RELOADS, RootHost
from jobs.wiring.root_server import root_instance
from jobs.wiring.root_trust import SYSTEM, Trust
from jobs.wiring.rootside import MOST_AT_ONCE, RootVerbs
from jobs.wiring.setup import setup
from tests.authority import Authority
from tests.e2e.split_host import CONFIG, SOCKET, STATE, SplitProduct, root_side

pytestmark = pytest.mark.e2e(timeout=300)

ALICE, BOB, CAROL = (account.domain for account in demo_accounts.ACCOUNTS)
PORTS = {"apache": (443, None), "dovecot": (993, None), "exim": (465, None)}
ANSWER = "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
EVIL = Authority("Evil", now())
"""The attacker's own CA, which nobody trusts."""


@pytest.fixture(scope="module", autouse=True)
def host() -> Iterator[Authority]:
    """Daemons, websites, the root side; and a CA that this system trusts, which is returned."""
    wild = bind.Zone("wild.test", [("@", "A", "192.0.2.1"), ("*", "A", "192.0.2.2"), ("own", "A", "192.0.2.3"),
                                   ("@", "CAA", '0 issue "owner.test"'), ("*.deep", "CNAME", "own")])
    bind.start_bind([*demo_accounts.zones(), wild])
    demo_accounts.make()
    apache.start_apache(ports=(80, 443, apache.WEB_DISK))
    dovecot.start_dovecot()
    exim.start_exim([ALICE, BOB, CAROL])
    public = Authority("Public", now())
    SYSTEM.write_bytes(SYSTEM.read_bytes() + public.root)
    SplitProduct().make()
    CONFIG.write_text(CONFIG.read_text() + "\n[dns_backends.bind_zonefile]\nenabled = true\n")
    with root_side():
        assert setup(root_instance(INSTANCE))["failed"] == []
        yield public


@dataclass
class Attacker:
    """Who speaks to the socket as the panel does."""

    talk: Conversation

    def store(self, website: Website, bundle: Bundle) -> str:
        serial: str = self.talk.ask("store", verbs.Store(website, bundle.privkey, bundle.chain))
        return serial

    def install(self, service: str, website: Website, bundle: Bundle) -> tuple[str, str, str]:
        """Store and install; the state, the code and the words of the outcome."""
        item = verbs.Stored(website, self.store(website, bundle))
        (outcome,) = self.talk.ask("install", verbs.Install(service, (item,)))
        return outcome.state, outcome.code, outcome.text


@pytest.fixture
def attacker() -> Iterator[Attacker]:
    talk = Conversation(SOCKET)
    yield Attacker(talk)
    talk.close()


@pytest.fixture
def inside(host: Authority) -> Iterator[Callable[..., Any]]:
    """The verbs in this process, to look at limits that take long or much: `inside(verb, words)`. It waits for nothing:
    what it would wait for is an error."""

    def wait(seconds: float) -> None:
        raise TimeoutError(f"{seconds:.0f}")

    verbs_of = RootVerbs("0" * 32, RootHost(root_instance(INSTANCE), now, Trust(), wait))
    yield lambda verb, words: verbs_of.act(verb, words)


def site(*names: str, part_of: str | None = None) -> Website:
    return Website("alice", names, part_of=part_of)


def served(service: str, name: str) -> str:
    """The serial number of what a service shows for a name."""
    port, starttls = PORTS[service]
    for _ in range(100):
        answer = privileged.probe(Endpoint("127.0.0.1", port, name, starttls))
        if answer.leaf is not None:
            return read_der(answer.leaf).serial
        time.sleep(0.05)  # Exim listens nowhere for a moment after a reload
    raise AssertionError(answer.detail)


def serial_of(bundle: Bundle) -> str:
    return read_certificate(bundle.leaf).serial


def refusal(call: Callable[[], Any]) -> Failure:
    with pytest.raises(Failure) as told:
        call()
    return told.value


def apache_reloads() -> int:
    return Path("/var/log/apache2/error.log").read_text().count("resuming normal operations")


# --- certificates of his own


@pytest.mark.parametrize("service", PORTS)
def test_a_certificate_of_the_attackers_own_ca_takes_the_place_of_none_that_is_trusted(
    host: Authority, attacker: Attacker, service: str
) -> None:
    good = host.bundle([ALICE, f"www.{ALICE}"])
    assert attacker.install(service, site(ALICE), good)[0] == "installed"
    assert served(service, ALICE) == serial_of(good)
    state, code, words = attacker.install(service, site(ALICE), EVIL.bundle([ALICE, f"www.{ALICE}"]))
    assert (state, code) == ("failed", "root_refused") and "root.trust" in words
    assert served(service, ALICE) == serial_of(good)


def test_a_private_ca_is_as_good_as_any_where_nothing_trusted_stands(attacker: Attacker) -> None:
    for private in (EVIL.bundle([BOB]), Authority("Staging", now()).bundle([BOB])):
        for service in PORTS:
            assert attacker.install(service, site(BOB), private)[0] == "installed"
            assert served(service, BOB) == serial_of(private)


def test_a_private_ca_that_root_has_named_is_trusted_as_the_systems_are(host: Authority, attacker: Attacker) -> None:
    ours, text = Path("/etc/autossl/our-ca.pem"), CONFIG.read_text()
    ours.write_bytes(EVIL.root)
    moment, named = now(), Trust([ours])
    chain = EVIL.bundle([ALICE]).chain
    with root_named(ours, text):
        assert attacker_of(SOCKET).install("dovecot", site(ALICE), EVIL.bundle([ALICE]))[0] == "installed"
        assert attacker_of(SOCKET).install("dovecot", site(ALICE), host.bundle([ALICE]))[0] == "installed"
    named.refuse_worse(ALICE, chain, [], moment)


@contextmanager
def root_named(bundle: Path, text: str) -> Iterator[None]:
    """The root side beside the one that runs, with another configuration."""
    other = SOCKET.with_name("other.sock")
    CONFIG.write_text(text.replace(f'state = "{STATE}"', f'state = "{STATE}"\ntrust = ["{bundle}"]'))
    command = [*SplitProduct().command("root"), "--socket", str(other)]
    kept = SOCKET.with_name("kept.sock")
    SOCKET.rename(kept)
    try:
        with root_side(command=[*command[:-1], str(SOCKET)]):
            yield
    finally:
        SOCKET.unlink(missing_ok=True)
        kept.rename(SOCKET)
        CONFIG.write_text(text)


def attacker_of(path: Path) -> Attacker:
    return Attacker(Conversation(path))


def test_a_name_below_somebody_elses_is_not_taken_from_his_certificate(host: Authority, attacker: Attacker) -> None:
    """`mail.alice.test` is in no vhost, so that a website may be called so; but Alice's certificate has it."""
    good = host.bundle([ALICE, f"mail.{ALICE}"])
    for service in ("dovecot", "exim"):
        assert attacker.install(service, site(ALICE), good)[0] == "installed"
        for mine in (site(f"mail.{ALICE}"), site(f"imap.{ALICE}", f"mail.{ALICE}"),
                site(f"mail.{ALICE}", part_of=ALICE)):
            assert attacker.install(service, mine, EVIL.bundle([f"mail.{ALICE}"]))[:2] == ("failed", "root_refused")
        assert served(service, f"mail.{ALICE}") == serial_of(good)


def test_a_certificate_of_a_leaf_that_signs_is_not_trusted(host: Authority, attacker: Attacker) -> None:
    """Its chain leads to a trusted root, by a certificate of somebody else's that is no CA: it does not even count as a
    chain."""
    assert refusal(lambda: attacker.store(site(ALICE),
        host.signed_by_a_leaf([ALICE]))).code == "certificate_chain_broken"


@pytest.mark.parametrize("what", ["a key of 192 bits", "an issuer of 1024 bits"])
def test_a_pair_that_apache_would_end_of_never_reaches_it(attacker: Attacker, what: str) -> None:
    """The pair matches, the chain holds, `apache2ctl -t` is content; a reload would have ended Apache."""
    if what == "a key of 192 bits":
        bundle = EVIL.bundle([CAROL], ec.generate_private_key(ec.SECP192R1()))
    else:
        weak = Authority("Weak", now(), rsa.generate_private_key(65537, 1024))
        bundle = weak.bundle([CAROL])
    pids = _pids("apache2")
    assert attacker.install("apache", site(CAROL), bundle)[:2] == ("failed", "certificate_not_loadable")
    assert _pids("apache2") & pids == pids
    assert served("apache", CAROL)


@pytest.mark.parametrize("key", [b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 12_000 + b"\n-----END PRIVATE KEY-----\n",
    b"", b"x"])
def test_a_key_that_takes_minutes_to_prove_is_not_proven(attacker: Attacker, key: bytes) -> None:
    good, began = EVIL.bundle([BOB]), time.monotonic()
    refusal(lambda: attacker.store(site(BOB), Bundle(key, good.chain)))
    assert time.monotonic() - began < 2


# --- websites


def test_a_part_is_installed_on_no_web_server(host: Authority, attacker: Attacker) -> None:
    """Its certificate lacks the other names of the vhost."""
    part = site(f"www.{ALICE}", part_of=ALICE)
    state, code, _ = attacker.install("apache", part, host.bundle([f"www.{ALICE}"]))
    assert (state, code) == ("failed", "root_refused")


def test_a_website_is_not_let_go_of_as_a_part_of_itself(host: Authority, attacker: Attacker) -> None:
    good = host.bundle([ALICE])
    assert attacker.install("dovecot", site(ALICE), good)[0] == "installed"
    for lie in (site(ALICE, part_of=ALICE), site(ALICE), site(ALICE, part_of=f"www.{ALICE}"), site(BOB, part_of=ALICE)):
        assert refusal(lambda lie=lie: attacker.talk.ask("release",
            verbs.Release("dovecot", lie))).code == "root_refused"
    assert served("dovecot", ALICE) == serial_of(good)


def test_a_part_is_not_let_go_of_while_its_names_have_no_other_certificate(host: Authority, attacker: Attacker) -> None:
    whole, part = host.bundle([ALICE]), site(f"www.{ALICE}", part_of=ALICE)
    further = host.bundle([f"www.{ALICE}"])
    assert attacker.install("dovecot", site(ALICE), whole)[0] == "installed"
    assert attacker.install("dovecot", part, further)[0] == "installed"
    assert refusal(lambda: attacker.talk.ask("release", verbs.Release("dovecot", part))).code == "root_refused"
    assert served("dovecot", f"www.{ALICE}") == serial_of(further)
    both = host.bundle([ALICE, f"www.{ALICE}"])
    assert attacker.install("dovecot", site(ALICE), both)[0] == "installed"
    assert attacker.talk.ask("release", verbs.Release("dovecot", part)) is True
    assert served("dovecot", f"www.{ALICE}") == serial_of(both)


def test_a_name_that_only_a_glob_of_somebody_elses_vhost_answers_for_gets_nobody_that_vhost(
    host: Authority, attacker: Attacker
) -> None:
    """`shop*.dave.test` is no name of a certificate, so that nobody has it; Apache goes by it all the same."""
    docroot = demo_accounts.add_user("dave")
    cert, key = apache.SELF_SIGNED
    vhost = (f"<VirtualHost *:443>\nServerName dave.test\nServerAlias shop*.dave.test *.apps.dave.test\n"
             f"DocumentRoot {docroot}\nSSLEngine on\nSSLCertificateFile {cert}\n"
             f"SSLCertificateKeyFile {key}\n</VirtualHost>\n")
    apache.add_vhosts("dave", vhost)
    apache.reload_apache()
    attacker.talk.ask("find", verbs.Source("apache"))
    before = Path("/etc/apache2/sites-available/bench-dave.conf").read_bytes()
    for mine in (site("shop1.dave.test"), site("evil.test", "shop1.dave.test")):
        found = attacker.install("apache", mine, host.bundle([mine.main, "shop1.dave.test"]))
        assert found[:2] == ("failed", "root_refused")
    for owned in (site("x.apps.dave.test"), site("evil.test", "a.b.apps.dave.test")):
        assert refusal(lambda owned=owned: attacker.store(owned, host.bundle([owned.main]))).code == "root_refused"
    assert Path("/etc/apache2/sites-available/bench-dave.conf").read_bytes() == before


def test_what_a_conversation_has_learned_of_websites_does_not_outlive_a_change_for_long(
    host: Authority, attacker: Attacker
) -> None:
    """A conversation that is kept up for weeks still knew nothing of a website that came since."""
    mine = site("evil.test", "later.test")
    serial = attacker.store(mine, host.bundle(["evil.test", "later.test"]))
    apache.add_vhosts("later", apache.plain_vhost(demo_accounts.add_user("erin"), "later.test"))
    apache.reload_apache()
    Conversation(SOCKET).ask("find", verbs.Source("apache"))
    (outcome,) = attacker.talk.ask("install", verbs.Install("dovecot", (verbs.Stored(mine, serial),)))
    assert (outcome.state, outcome.code) == ("failed", "root_refused") and "later.test" in outcome.text


def test_a_set_is_not_forgotten_while_a_service_is_told_to_read_it(host: Authority, attacker: Attacker) -> None:
    mine = site("mail-only.test")
    assert attacker.install("exim", mine, host.bundle(["mail-only.test"]))[0] == "installed"
    assert attacker.talk.ask("forget", verbs.Name("mail-only.test")) is False
    assert attacker.talk.ask("forget", verbs.Name(ALICE)) is False
    assert (STATE / "tls/live/mail-only.test/exim/privkey.pem").exists()


def test_another_certificate_of_the_same_serial_number_is_refused(attacker: Attacker) -> None:
    first = EVIL.bundle([CAROL])
    attacker.store(site(CAROL), first)
    directory = STATE / "tls/live" / CAROL / serial_of(first)
    (directory / "cert.pem").write_bytes(EVIL.bundle([CAROL]).leaf)
    assert refusal(lambda: attacker.store(site(CAROL), first)).code == "root_refused"


# --- too much of it


def test_a_storm_of_installs_is_no_storm_of_reloads(host: Authority, inside: Callable[..., Any]) -> None:
    """After the first ones, whoever wants another reload waits for it."""
    before, one = apache_reloads(), site(ALICE)
    serials = []
    for _ in range(2):
        bundle = host.bundle([ALICE, f"www.{ALICE}"])
        serials.append(inside("store", verbs.Store(one, bundle.privkey, bundle.chain)))
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        for at in range(RELOADS * 3):
            inside("install", verbs.Install("apache", (verbs.Stored(one, serials[at % 2]),)))
    assert apache_reloads() - before <= RELOADS + (time.monotonic() - began) / 10 + 1


def test_reloads_on_demand_come_once_a_minute_whatever_the_conversation(attacker: Attacker) -> None:
    attacker.talk.ask("reload", verbs.Service("dovecot"))
    for _ in range(3):
        other = Conversation(SOCKET)
        assert refusal(lambda other=other: other.ask("reload", verbs.Service("dovecot"))).code == "root_refused"
        other.close()


def test_the_disk_is_not_filled_with_sets(inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(12):
        bundle = EVIL.bundle([BOB])
        inside("store", verbs.Store(site(BOB), bundle.privkey, bundle.chain))
    sets = [one for one in (STATE / "tls/live" / BOB).iterdir() if not one.is_symlink()]
    links = {one.readlink().name for one in (STATE / "tls/live" / BOB).iterdir() if one.is_symlink()}
    assert len(sets) <= root_sets.KEPT_SETS + len(links)
    assert links <= {one.name for one in sets}, "what a service reads stays"
    there = sum(1 for _ in (STATE / "tls/live").iterdir())
    monkeypatch.setattr(root_sets, "MOST_STRANGERS", there + 2)
    with pytest.raises(Failure, match="of which no web server knows"):
        for at in range(12):
            bundle = EVIL.bundle([f"n{at}.evil.test"])
            inside("store", verbs.Store(site(f"n{at}.evil.test"), bundle.privkey, bundle.chain))
    assert sum(1 for _ in (STATE / "tls/live").iterdir()) <= there + 6


def test_a_question_about_thousands_of_websites_is_refused(attacker: Attacker) -> None:
    many = (site(ALICE),) * (MOST_AT_ONCE + 1)
    assert refusal(lambda: attacker.talk.ask("see", verbs.See("apache", many, False))).code == "root_refused"
    items = tuple(verbs.Stored(one, "0") for one in many)
    assert refusal(lambda: attacker.talk.ask("install", verbs.Install("apache", items))).code == "root_refused"


def test_programs_are_started_for_a_few_questions_at_a_time_however_many_ask() -> None:
    over, most = threading.Event(), [0]
    (root,) = _with_words(b"root")

    def count() -> None:
        while not over.is_set():
            with suppress(OSError):  # a thread that has ended
                children = [task / "children" for task in Path(f"/proc/{root}/task").iterdir()]
                most[0] = max(most[0], sum(len(one.read_text().split()) for one in children))

    def ask() -> None:
        talk = Conversation(SOCKET)
        for service in ("dovecot", "exim"):
            talk.ask("test", verbs.Service(service))
        talk.close()

    watching = threading.Thread(target=count)
    asking = [threading.Thread(target=ask) for _ in range(24)]
    watching.start()
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    over.set()
    watching.join()
    assert 1 <= most[0] <= 2 * PROGRAMS, "what its threads have begun is read one after the other"


def test_an_install_is_not_disturbed_by_questions_of_the_same_conversation(host: Authority, attacker: Attacker) -> None:
    """Each makes a service forget what it knows, and what it has planned for the websites of one installation."""
    over = threading.Event()

    def disturb() -> None:
        while not over.is_set():
            attacker.talk.ask("see", verbs.See("dovecot", (site(ALICE),), True))

    websites = [site(f"m{at}.mail-only.test") for at in range(10)]
    bundles = [host.bundle([one.main]) for one in websites]
    items = tuple(verbs.Stored(one, attacker.store(one, bundle)) for one, bundle in zip(websites, bundles, strict=True))
    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        outcomes = attacker.talk.ask("install", verbs.Install("dovecot", items))
    finally:
        over.set()
        disturbing.join()
    assert {outcome.state for outcome in outcomes} == {"installed"}, outcomes
    assert [served("dovecot", one.main) for one in websites] == [serial_of(bundle) for bundle in bundles]


# --- zones


def _look(name: str, kind: str) -> list[str]:
    answer = dns.query.udp(dns.message.make_query(name, kind), "127.0.0.1", timeout=5)
    return sorted(str(one) for found in answer.answer for one in found)


def test_the_owners_own_record_is_not_taken_away_by_adding_it_first(attacker: Attacker) -> None:
    record = Record("wild.test", "CAA", '0 issue "owner.test"')
    before = Path("/var/lib/bind/wild.test.db").read_bytes()
    attacker.talk.ask("add_record", record)
    attacker.talk.ask("remove_record", record)
    assert _look("wild.test", "CAA") == ['0 issue "owner.test"']
    assert Path("/var/lib/bind/wild.test.db").read_bytes() == before


@pytest.mark.parametrize("name", ["_acme-challenge.shop.wild.test", "shop.wild.test", "a.shop.wild.test",
                                  "_acme-challenge.x.deep.wild.test"])
def test_a_name_that_lives_by_a_wildcard_is_not_taken_down_by_a_value_beside_it(attacker: Attacker, name: str) -> None:
    assert refusal(lambda: attacker.talk.ask("add_record", Record(name, "TXT", ANSWER))).code == "dns01_wildcard_only"
    assert _look("shop.wild.test", "A") == ["192.0.2.2"]


def test_a_value_where_a_ca_looks_for_it_is_put_and_taken_away(attacker: Attacker) -> None:
    for name in ("_acme-challenge.wild.test", "_acme-challenge.own.wild.test", f"_acme-challenge.www.{ALICE}"):
        record = Record(name, "TXT", ANSWER)
        attacker.talk.ask("add_record", record)
        assert _look(name, "TXT") == [f'"{ANSWER}"']
        attacker.talk.ask("remove_record", record)
        assert _look(name, "TXT") == []


@pytest.mark.parametrize("name", [f"default._domainkey.{ALICE}", f"_dmarc.{ALICE}", f"_mta-sts.{ALICE}"])
def test_mail_is_not_broken_by_a_second_value_where_one_may_stand(attacker: Attacker, name: str) -> None:
    assert refusal(lambda: attacker.talk.ask("add_record", Record(name, "TXT", ANSWER))).code == "root_refused"


# --- links and pipes where the other side may write


def test_a_challenge_directory_that_is_a_link_tells_nothing_of_what_is_behind_it(inside: Callable[..., Any]) -> None:
    """Whether a file of root's exists could be read off the words of a refusal."""
    secret = Path("/root/secret")
    secret.mkdir(mode=0o700)
    challenges, aside = INSTANCE / "challenges", INSTANCE / "aside"
    challenges.rename(aside)
    words = []
    for behind in (secret, secret / "is-not-there"):
        challenges.symlink_to(behind)
        try:
            words.append(refusal(lambda: inside("lacking", verbs.Service("apache"))).detail)
        finally:
            challenges.unlink()
    aside.rename(challenges)
    assert words[0] == words[1] and "it is a link" in words[0]


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_a_command_that_root_types_follows_nothing_that_the_other_side_has_laid(tmp_path: Path, kind: str) -> None:
    """Neither is a file of root's made, changed or emptied, nor anything left that belongs to root."""
    owner, victims = INSTANCE.stat(), Path("/root/victims")
    victims.mkdir(mode=0o700, exist_ok=True)
    for name in ("config.toml", "keys"):
        (victims / name).write_text("precious")
    aside = INSTANCE.with_name("aside")
    INSTANCE.rename(aside)
    INSTANCE.mkdir(mode=0o711)
    os.chown(INSTANCE, owner.st_uid, owner.st_gid)
    for name in ("panel.sqlite3", "panel.sqlite3-wal", "run.lock", "serving.json", "config.toml", "logs", "keys",
            "backups", "conf",
                 "tls", "challenges", "sites.d", "locks"):
        path = INSTANCE / name
        os.mkfifo(path) if kind == "fifo" else path.symlink_to(victims / name)
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    before = _state(victims)
    product = SplitProduct()
    try:
        for words in (("status",), ("check", "--all"), ("discover",), ("doctor",), ("init", "--admin", "x"),
                ("setup", "--plan"),
                      ("setup", "--undo"), ("backup", "/root/out.tar.gz"), ("import", "certbot"), ("user", "list"),
                      ("log", "list")):
            subprocess.run(product.command(*words), stdin=subprocess.DEVNULL, capture_output=True, check=False,
                timeout=30, cwd="/",
                           env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
            assert _state(victims) == before, words
            assert {path.lstat().st_uid for path in (INSTANCE, *INSTANCE.iterdir())} == {owner.st_uid}, words
    finally:
        shutil.rmtree(INSTANCE)
        aside.rename(INSTANCE)


def _state(folder: Path) -> list[tuple[str, int, int, bytes]]:
    return [(str(path), path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
            for path in (folder, *sorted(folder.rglob("*")))]


def _pids(name: str) -> set[int]:
    """The daemons of that name, without their children."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            if (entry / "comm").read_text().strip() == name and state != "Z" and parent in ("0", "1"):
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def test_the_root_side_still_answers_and_ends_as_it_should(host: Authority, attacker: Attacker) -> None:
    assert attacker.talk.ask("hello").protocol == verbs.PROTOCOL
    (root,) = _with_words(b"root")
    os.kill(root, signal.SIGTERM)
    for _ in range(200):
        if not _with_words(b"root"):
            break
        time.sleep(0.05)
    assert _with_words(b"root") == []


def _with_words(last: bytes) -> Sequence[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        words = (entry / "cmdline").read_bytes().split(b"\0")
        if b"panel.cli" in words and words[-2:] == [last,
                b""] and "Z" not in (entry / "stat").read_text().rpartition(")")[2][:3]:
            found.append(int(entry.name))
    return found
