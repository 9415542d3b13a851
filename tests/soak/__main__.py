"""The long tests: `bash tests/run soak [part ...] [--seed N] [--short] [--keep]`; `--list` names the parts.

A part is a module of this package with a function `run(report: Report) -> None` and a docstring whose first line is its
title; see `counts.py` for what it tells the report. One with `PRIVATE_HOST_FOR = seconds` runs inside a private host
(`jobs.demo.private_host`), as root of a machine of its own, and is ended after so long. A part that raises has failed.
Prints a table for each part and the total; exit 1 unless nothing was lost, ordered twice or left down.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from jobs.demo.private_host import PrivateHost
from tests.parts import parts_of, title
from tests.soak.counts import Counts, Report, as_json, in_words, kept, table

PACKAGE = "tests.soak"
ROOT = Path(__file__).resolve().parents[2]
PRINTED = Path(__file__).with_name("printed.json")
"""The counts of each part's last whole run. README's table states these, and nothing else."""


def parts(named: Sequence[str] = ()) -> dict[str, ModuleType]:
    return parts_of(PACKAGE, named)


def run_part(name: str, module: ModuleType, seed: int, short: bool) -> Counts:
    """One part, here or inside a private host. What it raises is its failure, not the run's."""
    report = Report(name, seed, short)
    limit = getattr(module, "PRIVATE_HOST_FOR", None)
    try:
        if limit is None:
            module.run(report)
        else:
            _run_inside(report, limit)
    except Exception as error:  # noqa: BLE001 the other parts have their turn
        traceback.print_exc()
        report.broken(f"it ended early: {type(error).__name__}: {error}")
    report.finish()
    return report.counts


def _run_inside(report: Report, limit: float) -> None:
    """The counts come back through a file that the process inside inherits."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as sink:
        command = [sys.executable, "-m", PACKAGE, report.part, "--seed", str(report.seed)]
        command += ["--inside", str(sink.fileno()), *(["--short"] if report.short else [])]
        ended = PrivateHost(directory=ROOT).run(command, timeout=limit, pass_fds=[sink.fileno()])
        sys.stderr.write(ended.stderr)
        sink.seek(0)
        said = sink.read()
        if not said:
            raise RuntimeError(f"no counts came out of the private host: {ended.said()}")
        report.take_over(said)


def _inside(name: str, module: ModuleType, chosen: argparse.Namespace) -> int:
    """This process is the one inside."""
    report = Report(name, chosen.seed, chosen.short)
    os.set_inheritable(chosen.inside, False)
    with os.fdopen(chosen.inside, "w", encoding="utf-8") as sink:
        module.run(report)
        sink.write(report.to_json())
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests/run soak")
    parser.add_argument("part", nargs="*", help="default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="as little as still shows the point")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the counts there as well")
    parser.add_argument("--keep", action="store_true", help=f"put the counts into {PRINTED.name}, for the README")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    known = parts(chosen.part)
    if chosen.list:
        sys.stdout.write("".join(f"{name:20}{title(module)}\n" for name, module in known.items()))
        return 0
    strangers = [name for name in chosen.part if name not in known]
    if strangers:
        parser.error(f"expected some of {', '.join(parts())}; got {', '.join(strangers)}")
    if chosen.inside is not None:
        return _inside(chosen.part[0], known[chosen.part[0]], chosen)
    counted: dict[str, Counts] = {}
    for name in chosen.part or known:
        counted[name] = run_part(name, known[name], chosen.seed, chosen.short)
        sys.stdout.write(f"\n{table(f'{name}: {title(known[name])}', counted[name])}\n")
        sys.stdout.flush()
    sys.stdout.write(f"\n{in_words(counted)}\n")
    if chosen.json:
        chosen.json.write_text(json.dumps(as_json(chosen.seed, counted), indent=2) + "\n", encoding="utf-8")
    if chosen.keep and not chosen.short:
        former = json.loads(PRINTED.read_text(encoding="utf-8")) if PRINTED.exists() else {}
        PRINTED.write_text(json.dumps(kept(chosen.seed, former, counted), indent=2) + "\n", encoding="utf-8")
    return 0 if all(counts.good for counts in counted.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
