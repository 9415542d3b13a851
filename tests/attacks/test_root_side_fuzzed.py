"""Full control of the side without rights, and 100,000 hostile questions to the one that has them, on real daemons:
nothing is written, reloaded or read that the contract does not have, and who asks as ever is answered as ever.

Of each 100,000: 33,000 `see`, 25,000 `zone_for`, 18,000 `find`, 4,000 `add_record`, 3,500 `lacking`, 3,000 each
`install` and `probe`, 2,000 each `store`, `release`, `remove_record` and `test`, 1,500 `reload`, 500 `hello`, 300
`written`, 200 `others`, 170 `forget`, 15 each `recover` and `refresh`. 15 % of them have one place exchanged for
something else, 2 % are torn, 0.5 % have a wrong length. Programs are started for few: for `recover` and `refresh`, and
for the 200 that begin a new conversation.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobs.demo.product import CODE, INSTANCE
from jobs.demo.story import Bench, Told, found_server
from jobs.policy.site import is_hostname
from jobs.rootside.verbs import VERBS
from tests.attacks.hostile_questions import HOSTED, command
from tests.e2e.split_host import CONFIG, SOCKET, STATE, USER, SplitProduct, root_side

pytestmark = pytest.mark.e2e(timeout=400)

PROCESSES, EACH = 2, 50_000
SEED = 20261126
LOG = Path("/root/opened.log")

WATCHED = ("/etc", "/var/lib/bind", "/var/cache/bind", "/home", "/root/.ssh", "/var/www", "/usr/local", str(INSTANCE),
    str(STATE))
KEPT = re.compile(rf"{STATE}/(tls/live(/.*)?|panel\.sqlite3(-wal|-shm)?|run\.lock|conf|backups|locks)\Z")
"""What the contract lets change below the root side's own directory: sets that are proven, and its own books. `conf`
and `backups` have times of their own, for Exim's configuration is tried out in one, and `recover` tidies the other."""

READ = (
    "/etc", "/proc/", "/dev/null", "/dev/urandom", "/usr/", "/lib/", str(STATE), str(CODE), sys.prefix, sys.base_prefix,
    "/run/apache2/", "/run/dovecot/", "/run/exim4/", "/run/named/", "/var/lib/bind", "/var/cache/bind",
    "/var/lib/exim4",
    "/root/.acme.sh", "/opt/", "/usr/local/", "/run/nginx.pid", "/var/spool/cron",
)
PROGRAMS = {"/usr/sbin/nginx", "/usr/sbin/apache2", "/usr/sbin/apache2ctl", "/usr/bin/doveconf", "/usr/sbin/exim4",
    "/usr/sbin/update-exim4.conf",
            "/usr/bin/named-checkconf", "/usr/sbin/named-checkconf", "/usr/sbin/rndc"}


@dataclass(frozen=True)
class Found:
    """The host as it stands: each file (inode, mode, owner, digest), each daemon, how often each was reloaded."""

    files: dict[str, tuple[Any, ...]]
    daemons: dict[str, list[tuple[int, str]]]
    reloads: dict[str, int]

    def changed(self, other: Found) -> list[str]:
        return sorted(path for path in {*self.files, *other.files} if self.files.get(path) != other.files.get(path))


def look() -> Found:
    files = {}
    for folder in WATCHED:
        for path in (Path(folder), *Path(folder).rglob("*")):
            try:
                facts = path.lstat()
            except FileNotFoundError:
                continue
            content = ""
            if path.is_symlink():
                content = os.readlink(path)
            elif path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            files[str(path)] = facts.st_ino, facts.st_mode, facts.st_uid, facts.st_gid, facts.st_mtime_ns, content
    daemons: dict[str, list[tuple[int, str]]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        name = (entry / "comm").read_text().strip()
        if name in ("apache2", "dovecot", "exim4", "named"):
            began = (entry / "stat").read_text().rpartition(")")[2].split()[19]
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            if name == "named" or parent in ("0", "1"):  # a daemon itself
                daemons.setdefault(name, []).append((int(entry.name), began))
    return Found(files, {name: sorted(found) for name, found in daemons.items()}, reloads())


def reloads() -> dict[str, int]:
    """What daemons themselves wrote of it."""
    def lines(path: str, *words: str) -> int:
        text = Path(path).read_text(errors="replace") if Path(path).exists() else ""
        return sum(any(word in line for word in words) for line in text.splitlines())

    return {
        "apache": lines("/var/log/apache2/error.log", "Graceful restart requested", "SIGHUP",
        "resuming normal operations"),
        "dovecot": lines("/var/log/dovecot.log", "SIGHUP received", "starting up"),
        "exim": lines("/var/log/exim4/mainlog", "SIGHUP received", "daemon started"),
        "named": lines("/var/log/bench/bind.log", "reloading", "sending notifies", "loaded serial"),
    }


@dataclass
class Attack:
    """What was sent, what became of it, and the host before and after."""

    before: Found
    after: Found
    seconds: float
    opened: list[str]
    sent: Counter[str] = field(default_factory=Counter)
    became: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    good: list[Any] = field(default_factory=list)
    memory: int = 0


@pytest.fixture(scope="module")
def bench() -> Bench:
    return found_server(Told(time.time(), quiet=True))


@pytest.fixture(scope="module")
def attack(bench: Bench) -> Iterator[Attack]:
    """After a whole check, by which every service presents certificates of the root side."""
    product = SplitProduct()
    product.prepare()
    CONFIG.write_text(CONFIG.read_text() + "\n[dns_backends.bind_zonefile]\nenabled = true\n")
    ca = ["--directory", bench.ca.directory, "--ca-bundle", str(bench.ca.bundle), "--contact", "anna@bench.test"]
    with root_side():
        product.run("setup", "--yes", "--admin", "anna", "--hostname", "panel.bench.test", "--accept-terms", *ca,
            expected=(0, 1))
        product.run("check", "--all", expected=(0, 1))
    with root_side([sys.executable, "-m", "tests.attacks.watched_root", str(LOG), str(INSTANCE)]) as root:
        before, began = look(), time.monotonic()
        running = [
            subprocess.Popen(command(SOCKET, SEED + at, EACH), cwd="/", text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
                             env={**os.environ, "PYTHONPATH": str(CODE)})
            for at in range(PROCESSES)
        ]
        said = [one.communicate() for one in running]
        assert [one.returncode for one in running] == [0] * PROCESSES, said
        found = Attack(before, look(), time.monotonic() - began, LOG.read_text().splitlines())
        found.memory = int(re.search(r"VmHWM:\s+(\d+)",
            Path(f"/proc/{root.pid}/status").read_text())[1]) // 1024  # type: ignore[index]
        for out, _ in said:
            told = json.loads(out)
            for name in ("sent", "became", "codes"):
                getattr(found, name).update(told[name])
            found.good += told["good"]
        assert root.poll() is None, "it has ended"
        yield found


def test_a_hundred_thousand_were_asked_and_hardly_any_was_more_than_answered(attack: Attack) -> None:
    assert sum(attack.sent.values()) == sum(attack.became.values()) == PROCESSES * EACH == 100_000
    assert set(attack.sent) == set(VERBS)
    assert attack.became["refused"] > 10_000 and attack.became["ended"] > 10_000 and attack.became["answered"] > 10_000


def test_no_question_met_a_bug(attack: Attack) -> None:
    assert attack.codes["internal_error"] == 0, Path("/var/log/bench/root.log").read_text()[-5000:]


def test_who_asks_as_ever_is_answered_as_ever(attack: Attack) -> None:
    (answer, *others) = attack.good
    assert others in ([], [answer]) and answer["concerns"] and answer["installed"]["ours"]


def test_no_file_is_written_but_proven_sets_and_the_root_sides_own_books(attack: Attack) -> None:
    assert [path for path in attack.before.changed(attack.after) if not KEPT.match(path)] == []


def test_what_was_stored_is_a_set_of_a_website_that_is_called_as_websites_are(attack: Attack) -> None:
    changed = [path for path in attack.before.changed(attack.after) if path.startswith(f"{STATE}/tls/live/")]
    new = {Path(path).relative_to(STATE / "tls/live").parts[0] for path in changed}
    assert new and all(map(is_hostname, new))
    for path in changed:
        facts = Path(path).lstat()
        assert facts.st_uid == 0 and not Path(path).is_symlink()
        assert re.fullmatch(r"[a-z0-9.-]+(/[0-9a-f]{1,40}(/(privkey|cert|chain|fullchain)\.pem)?)?",
                            str(Path(path).relative_to(STATE / "tls/live")))


def test_no_daemon_was_reloaded_started_or_ended(attack: Attack) -> None:
    assert attack.after.daemons == attack.before.daemons and {*attack.before.daemons} == {"apache2", "dovecot",
        "exim4", "named"}
    assert attack.after.reloads == attack.before.reloads
    assert all(attack.before.reloads.values()), "else nothing would be seen here"


def test_no_file_is_opened_for_a_question_but_those_of_the_services_and_its_own(attack: Attack) -> None:
    opened = [line.partition(" ") for line in attack.opened]
    read = {path for verb, _, path in opened if verb in ("read", "list", "sqlite")}
    assert [path for path in sorted(read) if path.startswith("/") and path != "/" and not path.startswith(READ)] == []
    secret = (f"{INSTANCE}/", "/home", "/root/.ssh", "/etc/shadow", "/etc/gshadow")
    assert [path for path in read if path.startswith(secret)] == []
    assert len(read) > 50
    strange = ("..", "\\x00", "\\n", "\\ud800", "$(", "`", "evil\"")
    files = [line for line in attack.opened if not line.startswith("run")]
    assert [line for line in files if any(sign in line for sign in strange)] == []


def test_no_file_is_written_elsewhere_even_for_a_moment(attack: Attack) -> None:
    changes = ("write", "remove", "rename", "mkdir", "rmdir", "link", "symlink", "chmod", "chown", "truncate", "rmtree")
    where = {line.partition(" ")[2] for line in attack.opened if line.partition(" ")[0] in changes}
    ours = (f"{STATE}/", "/tmp", str(SOCKET), str(SOCKET.parent), "/dev/null", str(STATE))
    assert [path for path in sorted(where) if path.startswith("/") and not path.startswith(ours)] == []
    assert where


def test_no_word_of_a_question_is_a_word_of_a_program(attack: Attack) -> None:
    run = [line.split() for line in attack.opened if line.startswith("run ")]
    assert {words[1] for words in run} <= PROGRAMS
    assert run and len(run) < 200, "each is written once, and the same ones are run for everything"
    text = "\n".join(" ".join(words) for words in run)
    assert not any(name in text for name in ("evil", "..", "shadow", "$(", *HOSTED[1:]))


def test_its_memory_stays_within_bounds(attack: Attack) -> None:
    assert attack.memory < 400, f"{attack.memory} MiB"


def test_the_journal_is_not_filled(attack: Attack) -> None:
    assert len(Path("/var/log/bench/root.log").read_text().splitlines()) < 200 + 2 * attack.seconds * 3


def test_the_other_side_has_no_more_rights_than_before(attack: Attack) -> None:
    for path in (STATE / "panel.sqlite3", *STATE.glob("tls/live/*/*/privkey.pem"), STATE / "keys",
            Path("/etc/autossl")):
        tried = subprocess.run(["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "test", "-w", path],
            check=False)
        assert tried.returncode != 0, path
    assert shutil.which("setpriv")
