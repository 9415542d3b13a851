"""Every solver: what it puts can be seen once it has settled, and is gone once it was cleaned, whatever came before."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs import ports
from jobs.challenges import HttpSolver
from jobs.courses import finish
from jobs.demo.daemons import bind
from jobs.policy.failure import Failure
from jobs.policy.problems import CATALOGUE
from jobs.zones import Zones
from jobs.zones.dns_solver import DnsSolver, txt_value
from tests.contracts.promises import broken_promises
from tests.fakes import rights_to
from tests.jobs.zones.zone_bench import backend, installation, listed, solver, texts

pytestmark = pytest.mark.e2e(timeout=60)

NAME, OTHER = "host.test", "www.host.test"
every_solver = pytest.mark.parametrize("kind", ["http-01", "dns-01"])


@dataclass
class Tried:
    """A solver; `seen` are the answers that stand for a name, `answer` is the right one, `broken` can put nothing."""

    solver: ports.Solver
    seen: Callable[[str], set[str]]
    answer: Callable[[str], str]
    broken: ports.Solver


@pytest.fixture(scope="module")
def zones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zones]:
    dns = bind.start_bind([bind.Zone(NAME, [("www", "A", "192.0.2.1")], dynamic=True)])
    with installation(tmp_path_factory.mktemp("host") / "instance"):
        yield Zones([backend(dns, NAME)], rights=rights_to(NAME))


@pytest.fixture
def tried(kind: str, zones: Zones, tmp_path: Path) -> Iterator[Tried]:
    if kind == "http-01":
        found = Tried(HttpSolver(tmp_path), lambda name: _files(tmp_path), str, HttpSolver(tmp_path / "gone"))
    else:
        found = Tried(
            solver(zones, []), lambda name: texts(f"_acme-challenge.{name}"), txt_value, solver(Zones([]), [])
        )
    yield found
    assert (found.seen(NAME), found.seen(OTHER), listed()) == (set(), set(), [])


def _files(directory: Path) -> set[str]:
    return {path.read_text() for path in directory.iterdir()}


@pytest.mark.parametrize("made", [HttpSolver, DnsSolver])
def test_a_solver_has_what_its_port_promises(made: type) -> None:
    assert broken_promises(made, "solvers", ports.Solver) == []


@every_solver
def test_an_answer_is_there_once_it_has_settled_and_gone_once_it_was_cleaned(tried: Tried) -> None:
    tried.solver.present(NAME, "token-one", "token-one.thumb")
    finish(tried.solver.settle(NAME, "token-one"))
    assert tried.seen(NAME) == {tried.answer("token-one.thumb")}
    tried.solver.clean(NAME, "token-one")
    assert tried.seen(NAME) == set()


@pytest.mark.parametrize("made", [HttpSolver, DnsSolver])
def test_settling_is_a_course_that_can_wait_without_a_thread(made: type) -> None:
    assert inspect.isgeneratorfunction(made.settle)  # type: ignore[attr-defined]


@every_solver
def test_an_answer_whose_settling_was_given_up_is_cleaned_all_the_same(tried: Tried) -> None:
    tried.solver.present(NAME, "token-one", "token-one.thumb")
    course = tried.solver.settle(NAME, "token-one")
    next(course, None)
    course.close()
    tried.solver.clean(NAME, "token-one")
    assert tried.seen(NAME) == set()


@every_solver
def test_presenting_settling_and_cleaning_twice_is_as_good_as_once(tried: Tried) -> None:
    for _ in range(2):
        tried.solver.present(NAME, "token-one", "token-one.thumb")
    for _ in range(2):
        finish(tried.solver.settle(NAME, "token-one"))
    assert tried.seen(NAME) == {tried.answer("token-one.thumb")}
    for _ in range(2):
        tried.solver.clean(NAME, "token-one")


@every_solver
def test_what_was_never_presented_is_cleaned_without_a_word(tried: Tried) -> None:
    tried.solver.clean(NAME, "token-one")
    tried.solver.clean("stranger.test", "token-two")


@every_solver
def test_answers_stand_beside_each_other_and_each_is_cleaned_alone(tried: Tried) -> None:
    for name, token in ((NAME, "token-one"), (f"*.{NAME}", "token-two"), (OTHER, "token-three")):
        tried.solver.present(name, token, f"{token}.thumb")
    tried.solver.clean(NAME, "token-one")
    assert tried.answer("token-two.thumb") in tried.seen(NAME)
    assert tried.answer("token-one.thumb") not in tried.seen(NAME)
    assert tried.answer("token-three.thumb") in tried.seen(OTHER)
    finish(tried.solver.settle(f"*.{NAME}", "token-two"))
    tried.solver.clean(f"*.{NAME}", "token-two")
    tried.solver.clean(OTHER, "token-three")


@every_solver
def test_what_can_not_be_put_is_a_failure_with_the_name_and_is_cleaned_all_the_same(tried: Tried) -> None:
    with pytest.raises(Failure) as caught:
        tried.broken.present(NAME, "token-one", "token-one.thumb")
    assert caught.value.code in CATALOGUE and NAME in caught.value.detail
    tried.broken.clean(NAME, "token-one")


@every_solver
def test_a_solver_can_be_used_again_for_the_same_name(tried: Tried) -> None:
    for token in ("token-one", "token-two", "token-one"):
        tried.solver.present(NAME, token, f"{token}.thumb")
        finish(tried.solver.settle(NAME, token))
        tried.solver.clean(NAME, token)
