"""The story of the demo, told inside a private host: a server as it is found, then the product on it as a new user
would use it, then what is served where.

`python -m jobs.demo.story [--once] [--json] [--panel FD ADDRESS] [--began SECONDS]`
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.demo import accounts as demo_accounts
from jobs.demo import served
from jobs.demo.accounts import DemoAccount
from jobs.demo.daemons import apache, bind, dovecot, exim, pebble
from jobs.demo.product import Product
from jobs.policy.failure import Failure
from panel.cli.output import table

_STOPS = {signal.SIGINT, signal.SIGTERM}
_USUAL_CA = pebble.Behaviour()
_CHECKED = (0, 1)
"""A check with a name that can't be validated ends with 1, and one of the accounts has such names."""


@dataclass
class Told:
    """What is told while it happens, and what `--json` prints in the end."""

    began: float
    quiet: bool
    data: dict[str, Any] = field(default_factory=dict)

    def line(self, text: str = "") -> None:
        if not self.quiet:
            print(text, flush=True)

    @contextlib.contextmanager
    def step(self, text: str, key: str) -> Iterator[None]:
        """Time one step; its line is printed when it is done, with the seconds since the beginning."""
        before = time.time()
        yield
        self.data.setdefault("seconds", {})[key] = round(time.time() - before, 2)
        self.line(f"[{time.time() - self.began:6.2f} s] {text}")


@dataclass(frozen=True)
class Bench:
    """The server as it is found."""

    dns: bind.Bind
    ca: pebble.Pebble
    accounts: Sequence[DemoAccount]


def found_server(told: Told, ca_like: pebble.Behaviour = _USUAL_CA) -> Bench:
    """Start every daemon, and make the accounts."""
    with told.step("a name server (BIND) and a CA (Pebble)", "bind and pebble"):
        dns = bind.start_bind(demo_accounts.zones())
        ca = pebble.start_pebble(ca_like)
    with told.step("three hosting accounts, and Apache with their websites and web disks", "apache"):
        accounts = demo_accounts.make()
        apache.start_apache(ports=(80, 443, apache.WEB_DISK))
    with told.step("Dovecot (IMAP) and Exim (SMTP)", "dovecot and exim"):
        dovecot.start_dovecot()
        exim.start_exim([account.domain for account in accounts])
    told.line()
    for account in accounts:
        told.line(f"           {account.user}: {account.domain}; {account.trouble}")
    told.line()
    told.data["accounts"] = [
        {"account": one.user, "domain": one.domain, "trouble": one.trouble, "broken": list(one.broken)}
        for one in accounts
    ]
    return Bench(dns, ca, accounts)


def new_user(told: Told, bench: Bench, product: Product, listening: int | None) -> str:
    """All that a new user does before the first check; returns the administrator's password."""
    with told.step("autossl init: the installation and its administrator", "init"):
        password = product.make()
    with told.step("autossl setup: one rule of the web server for all challenges", "setup"):
        product.run("setup")
    with told.step("autossl provider add, provider use: registered at the CA", "provider"):
        product.use(bench.ca)
    with told.step("autossl serve: the panel", "serve"):
        product.serve(listening)
    with told.step("autossl discover", "discover"):
        told.data["discovered"] = product.run("discover", "--json").json()
    told.line(f"           {told.data['discovered']['summary']}")
    return password


def checks(told: Told, bench: Bench, product: Product) -> bool:
    """Two checks; whether the second one ordered nothing."""
    told.line("\n           autossl check --all\n")
    with told.step("the first check", "first check"):
        if told.quiet:
            told.data["first_check"] = product.run("check", "--all", "--json", expected=_CHECKED).json()
        else:
            product.follow("check", "--all", say=lambda text: told.line(f"           {text}"), expected=_CHECKED)
    first = bench.ca.issued()
    with told.step("autossl check --all, once more", "second check"):
        second = product.run("check", "--all", "--json", expected=_CHECKED).json()
    ordered = bench.ca.issued() - first
    told.data |= {"second_check": second, "issued": {"first_check": first, "second_check": ordered}}
    took = told.data["seconds"]["second check"]
    told.line(f"           the CA issued {first} certificates in the first check, {ordered} in the second ({took} s)")
    return first > 0 and ordered == 0


def look(told: Told, bench: Bench) -> bool:
    """Ask every service; whether all of them are as they should be."""
    with told.step("every service asked by TLS, trusting only the root of the test CA", "handshakes"):
        rows = served.ask(served.places(bench.accounts), bench.ca.root())
    told.data["served"] = [row.as_json() for row in rows]
    told.line()
    shown = [
        (row.place.account, row.place.name, row.place.port, row.place.service, row.issuer,
         f"{row.not_after:%Y-%m-%d}" if row.not_after else "", row.trouble or "ok")
        for row in rows
    ]
    head = ("account", "name", "port", "service", "issuer", "valid until", "")
    told.line(table(head, shown, 120))
    told.line()
    return not any(row.trouble for row in rows)


def stay(told: Told, password: str, address: str) -> None:
    """Tell where the panel is, and keep everything up until Ctrl-C."""
    told.data["panel"] = {"url": address, "user": "admin", "password": password}
    told.line(f"The panel is open in this machine's browser: {address}")
    told.line(f"  user admin, password {password} (for this demo only)")
    told.line("  Your browser will warn: it knows neither the test CA nor this address as the panel's name.")
    port = address.rstrip("/").rpartition(":")[2]
    told.line(f"  From another machine: ssh -L {port}:127.0.0.1:{port} root@THIS-MACHINE, then the same address there.")
    told.line("Ctrl-C ends the demo. Then nothing of it is left.")
    if told.quiet:
        print(json.dumps(told.data, ensure_ascii=False), flush=True)
    signal.sigwait(_STOPS)
    told.line("\nThe demo has ended.")


def tell(options: argparse.Namespace) -> int:
    told = Told(options.began, options.json)
    told.data["packages_installed"] = options.installed
    told.line(f"[{time.time() - told.began:6.2f} s] a private host: its own network, its own /etc, /home and /var")
    bench = found_server(told)
    product = Product()
    password = new_user(told, bench, product, options.panel and int(options.panel[0]))
    calm = checks(told, bench, product)
    good = look(told, bench) and calm
    told.data["seconds"]["all"] = round(time.time() - told.began, 2)
    told.data["ok"] = good
    if not good:
        told.line("Not everything is as it should be: see above.")
    if options.panel:
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        stay(told, password, options.panel[1])
    elif told.quiet:
        print(json.dumps(told.data, ensure_ascii=False), flush=True)
    return 0 if good else 1


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="jobs.demo.story")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--panel", nargs=2, metavar=("FD", "URL"))
    parser.add_argument("--began", type=float, default=time.time())
    parser.add_argument("--installed", nargs="*", default=[])
    options = parser.parse_args(words)
    try:
        return tell(options)
    except Failure as failure:
        if options.json:
            print(json.dumps({"error": {"code": failure.code, "text": failure.detail}}, ensure_ascii=False), flush=True)
        print(f"autossl demo: {failure.detail}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nautossl demo: stopped; nothing of it is left", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read has gone, for instance `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
