"""The Debian package around the one file, by dpkg-deb from a tree that is laid out here."""

from __future__ import annotations

import gzip
import os
import zipfile
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from tests.build import manual, pyz
from tests.build.programs import run
from tests.build.source import Source

ARCHITECTURE = "amd64"
TEMPLATES = "tests/build/debian"
MAINTAINER = "The AutoSSL Panel authors <maintainers@autossl-panel.invalid>"
"""The name of nobody's host (RFC 2606): the program has no address of its own."""

UNITS = ("autossl-root.service", "autossl-root.socket", "autossl.service")
_SCRIPTS = ("postinst", "prerm", "postrm")
_DOCUMENTS = "usr/share/doc/autossl"
_PUBLIC, _PROGRAM = 0o644, 0o755


def version_of(source: Source) -> str:
    """Debian's: that of the program, and the first package of it."""
    return f"{source.version}-1"


def build(source: Source, one_file: Path, work: Path, target: Path, version: str = "") -> Path:
    """Build it of `one_file` into the folder `target`. `version`: another one than `version_of` says.
    Raises RuntimeError."""
    version = version or version_of(source)
    tree = work / "tree"
    _lay_out(tree, source, one_file, version)
    _control(tree, source.folder / TEMPLATES, version)
    for path in sorted([tree, *tree.rglob("*")], reverse=True):
        if path.is_dir():
            path.chmod(_PROGRAM)  # whatever the umask is here
        os.utime(path, (source.epoch, source.epoch), follow_symlinks=False)
    target.mkdir(parents=True, exist_ok=True)
    package = target / f"autossl_{version}_{ARCHITECTURE}.deb"
    how = ["--root-owner-group", "-Zxz", "-z0", "--threads-max=1"]
    run(["dpkg-deb", *how, "--build", str(tree), str(package)], also={"SOURCE_DATE_EPOCH": str(source.epoch)})
    return package


def _lay_out(tree: Path, source: Source, one_file: Path, version: str) -> None:
    templates = source.folder / TEMPLATES
    _put(tree / "usr/lib/autossl" / pyz.NAME, one_file.read_bytes())
    for name in ("autossl", "autossl_check"):
        _put(tree / "usr/bin" / name, (templates / f"{name}.sh").read_bytes(), _PROGRAM)
    _put(tree / "etc/autossl/config.toml", (templates / "config.toml").read_bytes())
    for unit in UNITS:
        _put(tree / "usr/lib/systemd/system" / unit, (templates / unit).read_bytes())
    _put(tree / "usr/share/man/man1/autossl.1.gz", _packed(manual.page(source.version, source.epoch)))
    _put(tree / "usr/share/man/man1/autossl_check.1.gz", _packed(manual.alias()))
    for shell, place in manual.SHELLS.items():
        _put(tree / place, manual.completion(shell).encode())
    _put(tree / "usr/share/lintian/overrides/autossl", (templates / "lintian-overrides").read_bytes())
    licence = (source.folder / "LICENSE").read_text(encoding="utf-8").partition("\n\n")[2].partition("\n\n")[2]
    copyright_file = (templates / "copyright").read_text(encoding="utf-8").replace("@LICENCE@", _indented(licence))
    _put(tree / _DOCUMENTS / "copyright", copyright_file.encode())
    _put(tree / _DOCUMENTS / "changelog.gz", _packed((source.folder / "CHANGELOG.md").read_text(encoding="utf-8")))
    _put(tree / _DOCUMENTS / "changelog.Debian.gz", _packed(_history(source, version)))
    with zipfile.ZipFile(one_file) as inside:
        licences = inside.read(pyz.LICENCES).decode("utf-8")
    _put(tree / _DOCUMENTS / f"{pyz.LICENCES}.gz", _packed(licences))


def _control(tree: Path, templates: Path, version: str) -> None:
    """What dpkg itself reads, in DEBIAN/. Its size is that of the files; what the program unpacks to comes to it."""
    size = sum(1 if path.is_dir() else -(-path.stat().st_size // 1024) for path in tree.rglob("*"))
    values = {"@VERSION@": version, "@MAINTAINER@": MAINTAINER, "@SIZE@": str(size)}
    control = (templates / "control").read_text(encoding="utf-8")
    for name, value in values.items():
        control = control.replace(name, value)
    files = sorted(path for path in tree.rglob("*") if path.is_file() and path.relative_to(tree).parts[0] != "etc")
    sums = run(["md5sum", *(str(path.relative_to(tree)) for path in files)], folder=tree)
    _put(tree / "DEBIAN/control", control.encode())
    _put(tree / "DEBIAN/conffiles", b"/etc/autossl/config.toml\n")
    _put(tree / "DEBIAN/md5sums", sums.encode())
    _put(tree / "DEBIAN/triggers", (templates / "triggers").read_bytes())
    for name in _SCRIPTS:
        _put(tree / "DEBIAN" / name, (templates / name).read_bytes(), _PROGRAM)


def _history(source: Source, version: str) -> str:
    """Debian's changelog has one entry, for the package; what is new in the program is in the other one."""
    when = format_datetime(datetime.fromtimestamp(source.epoch, UTC))
    entry = f"  * Built from {source.commit}. What is new in the program: changelog.gz."
    return f"autossl ({version}) unstable; urgency=medium\n\n{entry}\n\n -- {MAINTAINER}  {when}\n"


def _indented(words: str) -> str:
    return "\n".join(f" {line}" if line.strip() else " ." for line in words.strip().splitlines())


def _packed(words: str) -> bytes:
    return gzip.compress(words.encode("utf-8"), 9, mtime=0)


def _put(path: Path, content: bytes, mode: int = _PUBLIC) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
