"""THIRD-PARTY-LICENCES: under what terms everything stands that the one file carries beside our own work."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path

_TEXTS = re.compile(r"(?i)(?:licen[cs]e|copying|notice|authors)")
_HEAD = """\
AutoSSL Panel itself is under the MIT licence. The file autossl.pyz carries also the works below, unchanged, each under
its own licence, whose texts are as their authors publish them.
"""
_RULE = "=" * 100


@dataclass(frozen=True)
class Work:
    """Something of others'. `texts`: the name of each file that has terms, and what is in it."""

    title: str
    terms: str
    texts: Mapping[str, str]


def text(wheels: Path, vendor: Path) -> str:
    """Raises RuntimeError for a work that carries no text of its licence: it may not be passed on so."""
    works = {work.title: work for work in [*_of_wheels(wheels), _of_pex(), *_of_vendor(vendor)]}
    parts = [_HEAD]
    for work in sorted(works.values(), key=lambda one: one.title.lower()):
        if not work.texts:
            raise RuntimeError(f"{work.title}: expected the text of its licence ({work.terms}) within it, found none")
        parts.append(f"{_RULE}\n{work.title}\nLicence: {work.terms}\n{_RULE}\n")
        parts += [f"--- {name}\n\n{words.strip()}\n" for name, words in sorted(work.texts.items())]
    return "\n".join(parts)


def _of_wheels(wheels: Path) -> Iterator[Work]:
    for path in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(path) as wheel:
            names = [name for name in wheel.namelist() if not name.endswith("/")]
            (metadata,) = [name for name in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
            facts = Parser().parsestr(wheel.read(metadata).decode("utf-8"))
            folder = metadata.removesuffix("METADATA")
            inside = [name.removeprefix(folder) for name in names if name.startswith(folder)]
            texts = {name: _read(wheel.read(folder + name)) for name in inside if _TEXTS.search(name)}
            yield Work(f"{facts['Name']} {facts['Version']}", _terms(facts), texts)


def _of_pex() -> Work:
    """Its code unpacks and starts the one file; the works within it have their licences beside them."""
    pex = distribution("pex")
    texts = {}
    for file in pex.files or []:
        inside = str(file).partition(".dist-info/")[2] or str(file)
        if _TEXTS.search(file.name) and file.suffix not in (".py", ".pyc"):
            texts[inside] = _read(Path(str(file.locate())).read_bytes())
    facts = Parser().parsestr(pex.read_text("METADATA") or "")
    return Work(f"pex {pex.version}", _terms(facts), texts)


def _of_vendor(vendor: Path) -> Iterator[Work]:
    """What browsers get: `static/package.json` has the licence files put beside the files themselves."""
    for path in sorted(vendor.glob("*.LICENSE.txt")):
        words = path.read_text(encoding="utf-8")
        yield Work(path.name.removesuffix(".LICENSE.txt"), words.strip().splitlines()[0], {path.name: words})


def _terms(facts: Message) -> str:
    """One line: the SPDX expression, else the classifiers, else the first line of the free text."""
    marks = [value.rpartition(" :: ")[2] for value in facts.get_all("Classifier", []) if value.startswith("License ::")]
    free = str(facts.get("License") or "").strip().splitlines()[:1]
    return str(facts.get("License-Expression") or ", ".join(marks) or "".join(free) or "see the text")


def _read(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n")
