"""The benchmarks: `bash tests/run bench [part ...] [--quick] [--keep]`; `--list` names the parts.

A part is a module of this package with a function `run(report: Report) -> None` and a docstring whose first line is its
title; see `figures.py` for what it tells the report. One with `PRIVATE_HOST_FOR = seconds` runs inside a private host
(`jobs.demo.private_host`), as root of a machine of its own, and is ended after so long. Prints each part's tables and
how its aims fared. It measures, it fails only where a part can't be done: how quick a machine is says nothing about
whether the program is right. Performance is measured on an idle machine.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType

from tests.bench.aims import PRINTED, printed
from tests.bench.chart import GROWTH, write_growth
from tests.bench.figures import Measured, Report, tables
from tests.bench.fresh_host import ROOT, measured_inside
from tests.bench.yardstick import machine
from tests.parts import parts_of, title

PACKAGE = "tests.bench"


def parts(named: Sequence[str] = ()) -> dict[str, ModuleType]:
    return parts_of(PACKAGE, named)


def run_part(name: str, module: ModuleType, quick: bool) -> Measured | None:
    """One part, here or inside a private host; None where it could not be done."""
    report, before = Report(name, quick), machine()
    limit = getattr(module, "PRIVATE_HOST_FOR", None)
    try:
        if limit is None:
            module.run(report)
        else:
            words = [name, *(["--quick"] if quick else []), "--inside"]
            report.take_over(measured_inside(PACKAGE, *words, timeout=limit))
    except Exception:  # noqa: BLE001 the other parts have their turn
        traceback.print_exc()
        return None
    report.note(f"this machine before the part: {before}; after it: {machine()}")
    report.finish()
    return report.measured


def as_installed() -> None:
    """Have all programs compiled, as an installation has them: where the environment says that no bytecode is written,
    each process would compile all of it anew, a second each time."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for place in ("jobs", "panel", "tests/bench"):
        compileall.compile_dir(ROOT / place, quiet=1)
    compileall.compile_file(ROOT / "models.py", quiet=1)


def _inside(name: str, module: ModuleType, chosen: argparse.Namespace) -> int:
    """This process is the one inside."""
    report = Report(name, chosen.quick)
    os.set_inheritable(chosen.inside, False)
    with os.fdopen(chosen.inside, "w", encoding="utf-8") as sink:
        module.run(report)
        sink.write(report.to_json())
    return 0


def _keep(found: dict[str, Measured]) -> None:
    kept = dict(sorted({**printed(PRINTED), **found}.items()))
    as_json = {name: measured.to_json() for name, measured in kept.items()}
    PRINTED.write_text(json.dumps(as_json, indent=1) + "\n", encoding="utf-8")
    write_growth(kept, GROWTH)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests/run bench")
    parser.add_argument("part", nargs="*", help="default: all")
    parser.add_argument("--quick", action="store_true", help="as little as still shows the point")
    parser.add_argument("--keep", action="store_true", help=f"put the figures into {PRINTED.name}, for the README")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    parser.add_argument("--inside", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    known = parts(chosen.part)
    strangers = [name for name in chosen.part if name not in known]
    if strangers:
        parser.error(f"expected some of {', '.join(parts())}; got {', '.join(strangers)}")
    if chosen.list:
        sys.stdout.write("".join(f"{name:14}{title(module)}\n" for name, module in known.items()))
        return 0
    if chosen.inside is not None:
        return _inside(chosen.part[0], known[chosen.part[0]], chosen)
    as_installed()
    found: dict[str, Measured] = {}
    for name, module in known.items():
        measured = run_part(name, module, chosen.quick)
        if measured is not None:
            found[name] = measured
            sys.stdout.write(f"\n{name}: {title(module)} ({measured.seconds:.0f} s)\n\n{tables(measured)}\n")
            sys.stdout.flush()
    if chosen.keep and not chosen.quick:
        _keep(found)
    return 0 if len(found) == len(known) else 1


if __name__ == "__main__":
    sys.exit(main())
