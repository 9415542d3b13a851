"""End-to-end tests: the real product on a private host, against real daemons and a real CA.

Two kinds of module live here.

*Inside* (the usual kind): `pytestmark = pytest.mark.e2e`. The whole module runs inside one private host of its own
(`tests/moved_inside.py` says how), so its tests are ordinary pytest: they use the fixtures below, read and write the
real /etc/apache2, ask real ports, and nothing of it is left afterwards. The tests of a module share its host, and see
what the ones before them did, as on a real server; a module that needs a fresh one is another file.

*Outside*: no mark. The test starts a command (`autossl demo`) as a person would, and looks at it from this machine.

None is skipped where no private host can be made: it fails.

What a module asks for is what is started:

- `bench`: BIND, Pebble, Apache, Dovecot, Exim and the three accounts, and nothing of the product yet;
- `product`: on top of it the product as a new user has it just before the first `autossl check --all`.
"""

from __future__ import annotations

import time

import pytest

from jobs.demo.product import Product
from jobs.demo.story import Bench, Told, found_server, new_user


@pytest.fixture(scope="module")
def told() -> Told:
    return Told(time.time(), quiet=True)


@pytest.fixture(scope="module")
def bench(told: Told) -> Bench:
    return found_server(told)


@pytest.fixture(scope="module")
def product(told: Told, bench: Bench) -> Product:
    made = Product()
    new_user(told, bench, made, None)
    return made
