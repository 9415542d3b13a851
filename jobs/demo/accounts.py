"""Three hosting accounts as they are found on real servers, each with something that is in the way of a certificate."""

from __future__ import annotations

import pwd
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.demo.daemons import apache
from jobs.demo.daemons.bind import Zone
from jobs.demo.daemons.starting import only_inside, run, start
from jobs.demo.inside import PUBLIC_ADDRESS

ELSEWHERE = "192.175.48.80"  # of a sink (RFC 7534), and there is no way to it from a private host
BACKEND_PORT = 8081
LABELS = ("www", "mail", "webdisk")


@dataclass(frozen=True)
class DemoAccount:
    """`trouble`: what is special, in words. `broken`: names of its vhost that can't be validated. `user`: its system
    user, as it was made."""

    user: str
    domain: str
    trouble: str
    broken: tuple[str, ...] = ()
    forces_https: bool = False
    proxied: bool = False

    @property
    def docroot(self) -> Path:
        return Path("/home") / self.user / "public_html"

    @property
    def names(self) -> tuple[str, ...]:
        """What a certificate must cover in the end."""
        return (self.domain, *(f"{label}.{self.domain}" for label in LABELS))

    @property
    def page(self) -> str:
        """What the website answers."""
        return f"This is {self.domain}.\n"


ACCOUNTS = (
    DemoAccount("alice", "alice.test", "its .htaccess sends every request to https", forces_https=True),
    DemoAccount("bob", "bob.test", "its vhost passes every request on to an application", proxied=True),
    DemoAccount(
        "carol", "carol.test", "one of its names does not exist, and one points to another server",
        broken=("shop.carol.test", "old.carol.test"),
    ),
)

_HTACCESS = """RewriteEngine On
RewriteCond %{HTTPS} !=on
RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]
"""
_WEBSITE = """<VirtualHost *:80>
	ServerName {domain}
	ServerAlias {aliases}
	DocumentRoot {docroot}
	<Directory {docroot}>
		AllowOverride All
		Require all granted
	</Directory>
{more}</VirtualHost>
"""
_PROXY = f"""	ProxyPreserveHost On
	ProxyPass / http://127.0.0.1:{BACKEND_PORT}/
	ProxyPassReverse / http://127.0.0.1:{BACKEND_PORT}/
"""
_WEB_DISK = """<VirtualHost *:{port}>
	ServerName webdisk.{domain}
	DocumentRoot {docroot}
	SSLEngine on
	SSLCertificateFile {certificate}
	SSLCertificateKeyFile {key}
	<Directory {docroot}>
		Dav On
		AllowOverride None
		AuthType Basic
		AuthName "Web Disk"
		AuthUserFile {passwords}
		Require user {user}
	</Directory>
</VirtualHost>
"""
_PASSWORDS = Path("/etc/apache2/web-disk.passwords")


def zones(accounts: Iterable[DemoAccount] = ACCOUNTS) -> list[Zone]:
    """One zone an account. Of the broken names, `shop` is in none, and `old` points elsewhere."""
    found = []
    for account in accounts:
        records = [(label, "A", PUBLIC_ADDRESS) for label in ("@", *LABELS)]
        if f"old.{account.domain}" in account.broken:
            records.append(("old", "A", ELSEWHERE))
        found.append(Zone(account.domain, records))
    return found


def make(accounts: Sequence[DemoAccount] = ACCOUNTS) -> list[DemoAccount]:
    """Make their users, homes, vhosts and web disks, and the one application; returns them with their real users.

    Web disks are opened with the user's name and the password `demo`. Apache takes it all over when it starts.
    """
    only_inside()
    made = [_user(account) for account in accounts]
    apache.self_sign()
    apache.listen_for_web_disk()
    _PASSWORDS.touch(0o640)
    shutil.chown(_PASSWORDS, "root", "www-data")
    for account in made:
        run("htpasswd", "-i", "-B", "-C", "4", str(_PASSWORDS), account.user, stdin="demo\n")
        apache.add_vhosts(account.domain, _vhosts(account))
        if account.proxied:
            _application(account)
    return made


def _user(account: DemoAccount) -> DemoAccount:
    """A system user with a home; where the machine has a user of that name already, another name."""
    taken = {entry.pw_name for entry in pwd.getpwall()}
    name = next(name for name in (account.user, *(f"{account.user}{n}" for n in range(2, 100))) if name not in taken)
    account = DemoAccount(**{**vars(account), "user": name})
    add_user(name)
    (account.docroot / "index.html").write_text(account.page, encoding="utf-8")
    if account.forces_https:
        (account.docroot / ".htaccess").write_text(_HTACCESS, encoding="utf-8")
    run("chown", "-R", f"{name}:{name}", str(account.docroot))
    return account


def _vhosts(account: DemoAccount) -> str:
    names = {
        "domain": account.domain,
        "aliases": " ".join([f"www.{account.domain}", *account.broken]),
        "docroot": account.docroot,
    }
    certificate, key = apache.SELF_SIGNED
    website = _WEBSITE.format(**names, more=_PROXY if account.proxied else "")
    return website + _WEB_DISK.format(
        **names, port=apache.WEB_DISK, certificate=certificate, key=key, passwords=_PASSWORDS, user=account.user
    )


def _application(account: DemoAccount) -> None:
    """A small program of the user's own that answers behind the proxy."""
    folder = account.docroot.with_name("application")
    folder.mkdir()
    (folder / "index.html").write_text(account.page, encoding="utf-8")
    command = [sys.executable, "-I", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder)]
    start(f"application-{account.user}", [*command, str(BACKEND_PORT)], [BACKEND_PORT])


def add_user(name: str) -> Path:
    """A system user with an empty document root, which is returned."""
    home, docroot = Path("/home", name), Path("/home", name, "public_html")
    run("useradd", "--create-home", "--home-dir", str(home), "--shell", "/usr/sbin/nologin", name)
    home.chmod(0o711)
    docroot.mkdir(mode=0o755)
    run("chown", f"{name}:{name}", str(docroot))
    return docroot


def plain_website(user: str, main: str, *aliases: str) -> None:
    """A new system user with a website without TLS, which Apache serves once it is started."""
    apache.add_vhosts(main, apache.plain_vhost(add_user(user), main, *aliases))
