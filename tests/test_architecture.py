"""Keeps the rooms apart: who may import what, who may do what, and how long a file may be."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("jobs", "panel", "models", "tests", "wsgi")
PLUGINS = ("providers", "services", "accounts", "dns_backends", "notifiers")
KEEP_ROWS = {
    "jobs/check.py", "jobs/durable.py", "jobs/facts.py", "jobs/heartbeat.py", "jobs/issuing.py",
    "jobs/ledger.py", "jobs/left_behind.py", "jobs/waiting.py",
    "jobs/obtain.py", "jobs/order.py", "jobs/outbox.py",
    "jobs/presented.py", "jobs/progress.py", "jobs/provider_pause.py",
    "jobs/queue.py", "jobs/record.py", "jobs/records.py", "jobs/renewals.py", "jobs/revocations.py",
    "jobs/runlog.py", "jobs/scheduler.py",
    "jobs/summaries.py", "jobs/troubles.py", "jobs/zones/kept.py",
}
KNOWN_TO_PORTS = (
    "jobs.policy", "jobs.ports", "jobs.place", "jobs.letter", "jobs.courses", "jobs.privileged", "jobs.crash_points",
)
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
LONGEST_LIST_OF_TABLES = 620
"""`models.py` is one idea, the tables, and its place at the top level is fixed."""

CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "time_ns", "perf_counter", "localtime", "gmtime"}
IO_MODULES = {
    "os", "io", "socket", "ssl", "subprocess", "shutil", "tempfile", "glob", "sqlite3", "http", "requests", "urllib3",
    "random", "secrets", "threading", "asyncio", "logging", "time", "peewee", "flask", "click", "dns", "acme", "fcntl",
    "select", "signal", "importlib", "pkgutil",
}
STARTERS = {"system", "popen", "fork", "forkpty", "kill", "killpg", "posix_spawn", "posix_spawnp", "startfile"}


@cache
def sources(*folders: str) -> tuple[Path, ...]:
    found: list[Path] = []
    for folder in folders or ("jobs", "panel", "models.py", "wsgi.py"):
        path = ROOT / folder
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return tuple(found)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def room(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, in full; `from jobs import check` counts as `jobs.check`."""
    package = list(path.relative_to(ROOT).with_suffix("").parts)[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                yield (whole if is_module(whole) else module), node.lineno


def is_module(dotted: str) -> bool:
    path = ROOT.joinpath(*dotted.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def ours(path: Path) -> list[tuple[str, int]]:
    return [(module, line) for module, line in imports(path) if module.split(".")[0] in OURS]


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def strangers(paths: tuple[Path, ...], *allowed: str) -> list[str]:
    return [
        f"{room(path)}:{line} imports {module}"
        for path in paths for module, line in ours(path) if not within(module, *allowed)
    ]


def test_the_sources_are_found() -> None:
    assert len(sources("jobs/policy")) > 10
    assert {"models.py", "jobs/privileged/__init__.py", "panel/__init__.py"} <= {room(path) for path in sources()}
    assert ("jobs.policy.failure", 3) in list(imports_of("\n\nfrom jobs.policy.failure import Failure\n"))


def imports_of(text: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            yield str(node.module), node.lineno


def test_policy_imports_nothing_of_ours_but_policy() -> None:
    assert strangers(sources("jobs/policy"), "jobs.policy") == []


def test_policy_does_no_io_and_reads_no_clock() -> None:
    wrong = []
    for path in sources("jobs/policy"):
        found = [(name, line) for name, line in imports(path) if name.split(".")[0] in IO_MODULES]
        wrong += [f"{room(path)}:{line} imports {name}" for name, line in found]
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if isinstance(called, ast.Name) and called.id in ("open", "print", "input"):
                wrong.append(f"{room(path)}:{node.lineno} calls {called.id}")
            owner = called.value if isinstance(called, ast.Attribute) else None
            subject = getattr(owner, "id", getattr(owner, "attr", ""))
            if isinstance(called, ast.Attribute) and called.attr in CLOCKS and subject in ("datetime", "date", "time"):
                wrong.append(f"{room(path)}:{node.lineno} reads the clock")
    assert wrong == []


@pytest.mark.parametrize("package", PLUGINS)
def test_a_plugin_imports_policy_ports_privileged_and_its_own_package(package: str) -> None:
    own = f"jobs.{package}"
    allowed = ("jobs.policy", "jobs.ports", "jobs.privileged", "jobs.crash_points", own)
    wrong = strangers(sources(f"jobs/{package}"), *allowed)
    assert wrong == []
    siblings = {path.stem for path in (ROOT / "jobs" / package).glob("*.py")} - {"__init__"}
    for path in (ROOT / "jobs" / package).glob("*.py"):
        for module, line in ours(path):
            other = module.removeprefix(own + ".").split(".")[0]
            assert not (within(module, own) and other in siblings), f"{room(path)}:{line} imports the plug-in {other}"


def test_ports_and_privileged_know_only_policy_and_ports() -> None:
    assert strangers(sources("jobs/ports.py", "jobs/privileged"), *KNOWN_TO_PORTS) == []


def test_models_imports_nothing_of_ours_but_the_kinds_of_its_columns() -> None:
    assert strangers((ROOT / "models.py",), "jobs.columns") == []
    assert strangers((ROOT / "jobs" / "columns.py",)) == []


def test_rows_are_kept_by_the_panel_the_wiring_and_a_few_steps_only() -> None:
    wrong = []
    for path in sources():
        name = room(path)
        if name.startswith(("panel/", "jobs/wiring/", "jobs/demo/")) or name in KEEP_ROWS:
            continue
        wrong += [f"{name}:{line} imports {module}" for module, line in ours(path) if within(module, "models")]
    assert wrong == []


def test_the_doctor_is_handed_what_rows_say_and_uses_steps_that_only_look() -> None:
    allowed = ("jobs.policy", "jobs.ports", "jobs.place", "jobs.config", "jobs.privileged", "jobs.doctor")
    looking = ("jobs.preflight", "jobs.challenges", "jobs.store")
    assert strangers(sources("jobs/doctor"), *allowed, *looking) == []


def test_the_panel_asks_only_the_wiring_for_work() -> None:
    allowed = (
        "panel", "models", "jobs.policy", "jobs.registry", "jobs.wiring", "jobs.ports", "jobs.letter", "jobs.config",
        "jobs.visitors",
    )
    wrong = strangers(sources("panel", "wsgi.py"), *allowed)
    only_named = [
        "panel/cli/commands/check.py imports jobs.runlog",  # the type of an event, for the type checker only
        "panel/cli/commands/demo.py imports jobs.demo",
    ]
    assert [entry for entry in wrong if not any(known == _without_line(entry) for known in only_named)] == []


def _without_line(entry: str) -> str:
    where, _, what = entry.partition(" imports ")
    package = ".".join(what.split(".")[:2])
    return f"{where.rpartition(':')[0]} imports {package}"


def test_jobs_know_no_web_framework_and_no_command_line() -> None:
    wrong = [
        f"{room(path)}:{line} imports {module}"
        for path in sources("jobs") for module, line in imports(path)
        if within(module, "flask", "flask_login", "click", "panel")
        and not (room(path).startswith("jobs/demo/") and within(module, "panel"))
    ]
    assert wrong == []


def test_only_privileged_starts_programs_and_sends_signals() -> None:
    wrong = []
    for path in sources():
        if room(path).startswith(("jobs/privileged/", "jobs/demo/")):
            continue
        wrong += [f"{room(path)}:{line} imports {module}" for module, line in imports(path)
                  if module.split(".")[0] in ("subprocess", "multiprocessing", "pty")]
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                who, what = node.value.id, node.attr
                starts = who == "os" and (what in STARTERS or what.startswith(("exec", "spawn")))
                signals = who == "signal" and what in ("raise_signal", "pthread_kill", "pidfd_send_signal")
                if starts or signals or (who == "asyncio" and what.startswith("create_subprocess")):
                    wrong.append(f"{room(path)}:{node.lineno} uses {who}.{what}")
    assert wrong == []


def test_no_file_and_no_function_is_too_long() -> None:
    wrong = []
    for path in sources():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > (LONGEST_LIST_OF_TABLES if room(path) == "models.py" else LONGEST_FILE):
            wrong.append(f"{room(path)}: {lines} lines")
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or node.lineno) - node.lineno + 1
                if size > LONGEST_FUNCTION:
                    wrong.append(f"{room(path)}:{node.lineno} {node.name}: {size} lines")
    assert wrong == []


def test_every_module_is_named_after_what_it_does_and_says_so() -> None:
    wrong = []
    for path in sources():
        parts = {part.lower().strip("_") for part in path.relative_to(ROOT).with_suffix("").parts}
        wrong += [f"{room(path)}: named {name}" for name in parts & FORBIDDEN_NAMES]
        if path.name != "__init__.py" and path.name != "__main__.py" and not ast.get_docstring(tree(path)):
            wrong.append(f"{room(path)}: no docstring")
    assert wrong == []


def test_every_library_that_is_imported_is_declared() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = project["dependencies"] + extras["lexicon"] + extras["apprise"]
    names = {entry.split(">")[0].split("<")[0].split("=")[0].strip().lower().replace("-", "_") for entry in declared}
    imported = {"dnspython": "dns", "dns_lexicon": "lexicon"}
    names |= {imported.get(name, name) for name in names} | {"playhouse", "werkzeug"}
    wrong = {
        module.split(".")[0]
        for path in sources() for module, _ in imports(path)
        if module.split(".")[0] not in {*sys.stdlib_module_names, *OURS, *names}
    }
    assert wrong == set()
