"""The verbs `introspect` and `reload` for Apache: what it understood of its configuration, its test, its reload.

Apache itself says what it understood (`-t -D DUMP_CONFIG` through mod_info); without mod_info it says where each vhost
begins (`-D DUMP_VHOSTS`), and only that block is read. Nothing is guessed from files.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from weakref import WeakValueDictionary

from jobs.policy import apache_config, vhost_listing
from jobs.policy.apache_config import Directive, Vhost
from jobs.policy.failure import Failure
from jobs.privileged.files import read
from jobs.privileged.programs import Output, introspect, reload, running_pid

_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_NEVER = re.compile(r"PATH\Z|IFS\Z|ENV\Z|BASH|LD_")
_NOISE = re.compile(r"AH00558:|AH00111:|AH00112:|Syntax OK")
_MODULE = re.compile(r" (\w+) \((?:static|shared)\)\Z")
_FIRST_LINES = 8
_SETTLE = 60.0
_LONGEST_PAUSE = 0.02
_BOOTED = Path("/run/systemd/system")
"""There where systemd is the first process (sd_booted(3))."""

_SYSTEMCTL = "/usr/bin/systemctl"
_UNIT = "apache2.service"
_DEFAULTS = {
    "APACHE_RUN_USER": "www-data",
    "APACHE_RUN_GROUP": "www-data",
    "APACHE_PID_FILE": "/var/run/apache2/apache2.pid",
    "APACHE_RUN_DIR": "/var/run/apache2",
    "APACHE_LOCK_DIR": "/var/lock/apache2",
    "APACHE_LOG_DIR": "/var/log/apache2",
}


@dataclass(frozen=True)
class WhereApacheIs:
    """Where Apache is, when it is not where Debian puts it."""

    binary: str = field(default="/usr/sbin/apache2", metadata={"label": "Program"})
    config: str = field(default="/etc/apache2/apache2.conf", metadata={"label": "Configuration"})
    envvars: str = field(
        default="/etc/apache2/envvars",
        metadata={"label": "Environment", "help": "The file of `export NAME=value` lines that apache2ctl reads."},
    )
    info_module: str = field(
        default="/usr/lib/apache2/modules/mod_info.so",
        metadata={"label": "mod_info", "help": "Loaded for the question only; the configuration stays as it is."},
    )


@dataclass(frozen=True)
class ApacheConfiguration:
    """What Apache understood. `tree` is None when there is no mod_info to tell it; `vhosts` are known either way, in
    configuration order. `pid_file` and `root` (what relative paths in the configuration begin at) are absolute."""

    tree: tuple[Directive, ...] | None
    vhosts: tuple[Vhost, ...]
    pid_file: Path
    root: Path


_understood: WeakValueDictionary[tuple[str, ...], ApacheConfiguration] = WeakValueDictionary()
"""What somebody still holds of Apache's answers, by their very text: Apache is asked each time, but services that get
the same answer share one reading of it, which takes about 4 kB a website."""


def apache_present(where: WhereApacheIs) -> bool:
    return Path(where.binary).exists() and Path(where.config).exists()


def apache_configuration(where: WhereApacheIs, also_load: Sequence[tuple[str, str]] = ()) -> ApacheConfiguration:
    """Ask Apache. `also_load`: modules (name, file) that it shall take for loaded, for the question only.

    Raises Failure("config_broken_before") with Apache's own words, Failure("unreadable"), Failure("program_missing")
    or Failure("program_timeout").
    """
    environment, command = _command(where)
    loads = [word for name, file in also_load for word in ("-C", f"LoadModule {name} {file}")]
    command = [command[0], *loads, *command[1:]]
    text = _dump(where, command, environment)
    root = Path(where.config).parent
    pid_file = environment["APACHE_PID_FILE"]
    if text is not None:
        key = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), str(root), pid_file)
        known = _understood.get(key)
        return known or _understood.setdefault(key, _read(text, root, pid_file))
    listing = _ask([*command, "-t", "-D", "DUMP_VHOSTS"], environment, where.config)
    vhosts = tuple(_at_its_line(entry) for entry in vhost_listing.listed(listing))
    return ApacheConfiguration(None, vhosts, root / pid_file, root)


def apache_modules(where: WhereApacheIs) -> frozenset[str]:
    """The modules that the configuration loads ("ssl_module"). Raises as `apache_configuration` does."""
    environment, command = _command(where)
    listing = _ask([*command, "-t", "-D", "DUMP_MODULES"], environment, where.config)
    return frozenset(match[1] for row in listing.splitlines() if (match := _MODULE.match(row)))


def apache_test(where: WhereApacheIs) -> None:
    """Apache's own test. It does not look whether certificates and keys belong together, nor whether it may bind a
    port. Raises Failure("config_test_failed") with Apache's words."""
    environment, command = _command(where)
    answer = introspect([*command, "-t"], env=environment)
    if answer.code != 0:
        raise Failure("config_test_failed", f"{where.config}: Apache's own test says: {_words(answer)}")


def apache_pid(where: WhereApacheIs, pid_file: Path) -> int | None:
    """The process of `pid_file`, if it is an Apache that is alive."""
    return running_pid(pid_file, Path(where.binary).resolve().name)


def apache_graceful(where: WhereApacheIs, pid_file: Path) -> None:
    """Reload without dropping connections, and see that Apache lives through it. The program reads its configuration
    first, and signals nothing when that is wrong. An Apache that doesn't run would be started: ask before.

    The reload is over when Apache has written its pid file anew, which it does once it has taken everything over.
    Raises Failure("reload_failed"), also when Apache has ended.
    """
    environment, command = _command(where)
    before = _identity(pid_file)
    reload([*command, "-k", "graceful"], env=environment)
    if not _within(_SETTLE, lambda: _identity(pid_file) != before or apache_pid(where, pid_file) is None):
        words = f"Apache has not taken over its configuration within {_SETTLE:g} s; its error log may say why"
        raise Failure("reload_failed", f"{where.config}: {words}")
    if apache_pid(where, pid_file) is None:
        words = "Apache has ended at its reload, though its own test had passed; its error log says why"
        raise Failure("reload_failed", f"{where.config}: {words}")


def apache_start(where: WhereApacheIs, pid_file: Path) -> None:
    """Start an Apache that has ended. Raises Failure("reload_failed").

    Where systemd runs Debian's own, it is asked: what we start is confined as we are, and is ended when we are.
    """
    environment, command = _command(where)
    if _BOOTED.is_dir() and where.config == WhereApacheIs.config and _unit_is_known():
        reload([_SYSTEMCTL, "start", _UNIT])
    else:
        reload([*command, "-k", "start"], env=environment)
    if not _within(_SETTLE, lambda: apache_pid(where, pid_file) is not None):
        raise Failure("reload_failed", f"{where.config}: Apache could not be started; its error log says why")


def _unit_is_known() -> bool:
    asked = [_SYSTEMCTL, "show", "--property", "LoadState", "--value", _UNIT]
    return Path(_SYSTEMCTL).exists() and introspect(asked).text.strip() == "loaded"


def _identity(pid_file: Path) -> tuple[int, int] | None:
    try:
        facts = pid_file.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns


def _within(seconds: float, true: Callable[[], bool]) -> bool:
    """Wait until it is true; False when `seconds` have passed."""
    pause, end = 0.005, time.monotonic() + seconds
    while not true():
        if time.monotonic() >= end:
            return False
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
    return True


def _command(where: WhereApacheIs) -> tuple[dict[str, str], list[str]]:
    """The variables of envvars, and the program with the `-D` of APACHE_ARGUMENTS."""
    content = read(Path(where.envvars))
    variables = {**_DEFAULTS, **_read_envvars((content or b"").decode("utf-8", "replace"))}
    try:
        words = shlex.split(variables.get("APACHE_ARGUMENTS", ""))
    except ValueError:
        words = []
    defines = [word for flag, value in pairwise(words) if flag == "-D" for word in (flag, value)]
    return variables, [where.binary, *defines, "-f", where.config]


def _read(text: str, root: Path, pid_file: str) -> ApacheConfiguration:
    """`root` and `pid_file`: where they are unless the configuration says so."""
    tree = apache_config.parse_dump(text)
    root = Path(apache_config.global_value(tree, "ServerRoot") or root)
    pid_file = apache_config.global_value(tree, "PidFile") or pid_file
    return ApacheConfiguration(tree, apache_config.vhosts(tree), root / pid_file, root)


def _dump(where: WhereApacheIs, command: list[str], environment: dict[str, str]) -> str | None:
    """Apache's configuration as Apache sees it, or None when there is no mod_info to tell it."""
    load = ["-C", f"LoadModule info_module {where.info_module}"]
    question = ["-t", "-D", "DUMP_CONFIG"]
    text = ""
    if Path(where.info_module).exists():
        answer = introspect([command[0], *load, *command[1:], *question], env=environment)
        if answer.code == 0:
            text = answer.text
        elif "Syntax error in -C/-c directive" not in answer.text:
            raise _broken(answer, where.config)
    if not text:  # mod_info may be built in, then it can't be loaded and need not be
        text = _ask([*command, *question], environment, where.config)
    return text if "# In file: " in text else None


def _at_its_line(entry: vhost_listing.Listed) -> Vhost:
    block = None
    if entry.file is not None and entry.line is not None:
        content = read(Path(entry.file))
        if content is not None:
            text = content.decode("utf-8", "replace")
            block = apache_config.parse_block(text, entry.file, entry.line)
    return vhost_listing.as_vhost(entry, block)


def _read_envvars(text: str) -> dict[str, str]:
    """The assignments of a shell file without a shell: plain and quoted values and `$NAME`. A value that a shell would
    have to compute is passed over; variables that change how a program is loaded are too."""
    found: dict[str, str] = {}
    for row in text.splitlines():
        match = _ASSIGNMENT.match(row)
        if not match or _NEVER.match(match[1]):
            continue
        value = match[2].strip()
        expanded = _VARIABLE.sub(lambda name: found.get(name[1] or name[2], ""), value)
        if "`" in expanded or "$" in expanded or "\x00" in expanded:
            continue
        try:
            words = shlex.split(expanded, comments=True)
        except ValueError:
            continue
        found[match[1]] = words[0] if words else ""
    return found


def _ask(command: list[str], environment: dict[str, str], config: str) -> str:
    answer = introspect(command, env=environment)
    if answer.code != 0:
        raise _broken(answer, config)
    return answer.text


def _broken(answer: Output, config: str) -> Failure:
    words = f"{config}: Apache does not accept its own configuration; it says: {_words(answer)}"
    return Failure("config_broken_before", words)


def _words(answer: Output) -> str:
    rows = [row for row in answer.text.splitlines() if row.strip() and not row.startswith("#")]
    said = [row for row in rows if not _NOISE.search(row)] or rows
    return " / ".join(said[:_FIRST_LINES]) or f"nothing (exit {answer.code})"
