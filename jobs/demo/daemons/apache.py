"""Apache as Debian has it, with the modules that a hosting server usually has on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jobs.demo.daemons import self_signed
from jobs.demo.daemons.starting import only_inside, run, start

MODULES = ("ssl", "rewrite", "headers", "proxy", "proxy_http", "dav", "dav_fs")
WEB_DISK = 2078
SELF_SIGNED = Path("/etc/ssl/certs/bench-self-signed.pem"), Path("/etc/ssl/private/bench-self-signed.key")
"""Certificate and key that stand in a vhost before any real one is there."""

_ETC = Path("/etc/apache2")
_OURS, _DEBIANS = "bench-", "000-default.conf"
_PORTS = "Listen 80\n<IfModule ssl_module>\n\tListen 443\n</IfModule>\n"


def self_sign() -> None:
    """Make the pair SELF_SIGNED."""
    only_inside()
    if not SELF_SIGNED[0].exists():
        self_signed.write(*SELF_SIGNED, ["panel.bench.test"])


def plain_vhost(docroot: Path, name: str, *aliases: str) -> str:
    """A website without TLS, as a customer's domain begins."""
    more = f"\tServerAlias {' '.join(aliases)}\n" if aliases else ""
    lines = f"\tServerName {name}\n{more}\tDocumentRoot {docroot}\n"
    allowed = f"\t<Directory {docroot}>\n\t\tRequire all granted\n\t</Directory>\n"
    return f"<VirtualHost *:80>\n{lines}{allowed}</VirtualHost>\n"


def add_vhosts(name: str, text: str) -> None:
    """Make and enable `bench-<name>.conf`; `start_apache` or `reload_apache` takes it over."""
    only_inside()
    (_ETC / "sites-available" / f"{_OURS}{name}.conf").write_text(text, encoding="utf-8")
    run("a2ensite", "-q", f"{_OURS}{name}")


def start_apache(modules: Sequence[str] = MODULES, ports: Sequence[int] = (80, 443)) -> None:
    """Enable `modules` and start. `ports`: where it must answer; a module's own port comes with its configuration."""
    only_inside()
    _forget_this_machine()
    run("a2enmod", "-q", *modules)
    (_ETC / "conf-available" / "server-name.conf").write_text("ServerName panel.bench.test\n", encoding="utf-8")
    run("a2enconf", "-q", "server-name")
    run("apache2ctl", "configtest")
    start("apache", ["apache2ctl", "start"], ports)


def _forget_this_machine() -> None:
    """Websites and addresses of the machine itself are none of the private host's."""
    for path in (_ETC / "sites-enabled").iterdir():
        if not path.name.startswith(_OURS) and path.name != _DEBIANS:
            path.unlink()
    (_ETC / "ports.conf").write_text(_PORTS, encoding="utf-8")


def listen_for_web_disk() -> None:
    """`Listen 2078` with TLS, and where mod_dav keeps its locks."""
    only_inside()
    locks = Path("/var/lib/apache2/dav")
    locks.mkdir(exist_ok=True)
    run("chown", "www-data:www-data", str(locks))
    text = f"Listen {WEB_DISK} https\nDavLockDB {locks}/lock\n"
    (_ETC / "conf-available" / "web-disk.conf").write_text(text, encoding="utf-8")
    run("a2enconf", "-q", "web-disk")


def reload_apache() -> None:
    run("apache2ctl", "graceful")
