"""The part of a list that an address asks for: `?q=text&sort=-expires&page=2&size=50`.

An address is typed, shared and outlives rows, so whatever it says gets an answer: what is out of range becomes the
nearest that is there, what is unknown the default.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request
from peewee import Select, fn

import models

SIZES = (25, 50, 100)
LONGEST_SEARCH = 100
_NUMBER = re.compile(r"\A[0-9]{1,9}\Z")


@dataclass(frozen=True)
class Ask:
    """`sort`: a column, with a `-` before it for descending. `filters`: further parameters of the list."""

    page: int = 1
    size: int = SIZES[0]
    sort: str = ""
    q: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)

    @property
    def column(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")


@dataclass(frozen=True)
class Page:
    """`rows` of `total`, on page `number` of `pages`."""

    ask: Ask
    rows: Sequence[Any]
    total: int
    number: int
    pages: int
    path: str
    usual_sort: str
    sizes = SIZES

    @property
    def first(self) -> int:
        return (self.number - 1) * self.ask.size + 1 if self.total else 0

    @property
    def last(self) -> int:
        return min(self.number * self.ask.size, self.total)

    @property
    def state(self) -> list[tuple[str, str]]:
        """What a search keeps: everything but the text and the page."""
        return [(name, value) for name, value in self._parameters({}) if name not in ("q", "page")]

    def url(self, **changes: Any) -> str:
        """This list with other parameters; a change of anything but the page leads to the first page."""
        if set(changes) - {"page"}:
            changes = {"page": 1, **changes}
        query = urlencode(self._parameters(changes))
        return f"{self.path}?{query}" if query else self.path

    @property
    def query(self) -> str:
        """What the address of a form in this list ends with, so that its answer is the same page of the list."""
        return self.url(page=self.number)[len(self.path) :]

    def sorted(self, column: str) -> str:
        """ascending | descending, or empty if the list is sorted by another column."""
        if column != self.ask.column:
            return ""
        return "descending" if self.ask.descending else "ascending"

    def sort_url(self, column: str) -> str:
        """By `column`; by the one that is sorted by already, the other way round."""
        return self.url(sort=f"-{column}" if self.sorted(column) == "ascending" else column)

    def _parameters(self, changes: Mapping[str, Any]) -> list[tuple[str, str]]:
        ask = self.ask
        now = {"q": ask.q, **ask.filters, "sort": ask.sort, "size": ask.size, "page": self.number, **changes}
        plain = {"q": "", "sort": self.usual_sort, "size": SIZES[0], "page": 1}
        return [(name, str(value)) for name, value in now.items() if str(value) != str(plain.get(name, ""))]


def asked(columns: Mapping[str, Any], sort: str, filters: Mapping[str, Sequence[str]] | None = None) -> Ask:
    """What the request asks for. `columns`: those that can be sorted by; `sort`: the default; `filters`: the values
    that each further parameter may have, the first of which is the default."""
    sent = request.args
    chosen = sent.get("sort", "")
    size = _number(sent.get("size", ""), SIZES[0])
    return Ask(
        page=max(1, _number(sent.get("page", ""), 1)),
        size=min(SIZES, key=lambda one: abs(one - size)),
        sort=chosen if chosen.removeprefix("-") in columns and not chosen.startswith("--") else sort,
        q=search_text(sent.get("q", "")),
        filters={name: _one_of(sent.get(name, ""), values) for name, values in (filters or {}).items()},
    )


def paginate(ask: Ask, query: Any, columns: Mapping[str, Any], sort: str, counted: Any = None) -> Page:
    """The page of a Peewee query. `columns`: name -> field or expression, or a sequence of them; the last one of the
    order should be unique. `counted`: the same rows without joins that only fetch more, if the query has such."""
    total = (query if counted is None else counted).order_by().count()
    pages = max(1, -(-total // ask.size))
    number = min(ask.page, pages)
    rows = list(_part(ask, query, columns, number))
    return Page(ask, rows, total, number, pages, request.path, sort)


@dataclass(frozen=True)
class Watched:
    """A page of a list that is asked for every two seconds. `version`: changes when what is shown does. `further`: the
    values of the further expressions that were asked for."""

    version: str
    further: Sequence[Any]
    _made: Callable[[], Page]

    def page(self) -> Page:
        """Made when it is to be shown; its rows have the fields that were asked for, and no further ones."""
        return self._made()

    def version_for(self, page: Page | None) -> str:
        """For who is told less than the rows say, the version of what is shown on `page`: else it would tell him how
        often the rest changes."""
        return self.version if page is None else _version((page.rows, page.total, page.number, self.further))


def watched(
    ask: Ask, query: Any, columns: Mapping[str, Any], sort: str, fields: Sequence[Any], *further: Any
) -> Watched:
    """As `paginate`, for a list that is asked for every two seconds, of which these fields are shown.

    SQLite makes all of it in one step, while Python's other threads go on: each row that is fetched by itself waits for
    its turn among them, which is most of what a poll waits for beside a check.
    """
    told = _told(ask, query, columns, ask.page, fields, further)
    pages = max(1, -(-told[1] // ask.size))
    if ask.page > pages:
        told = _told(ask, query, columns, pages, fields, further)
        pages = max(1, -(-told[1] // ask.size))

    def made() -> Page:
        rows = [
            query.model(**{one.name: one.python_value(value) for one, value in zip(fields, row, strict=True)})
            for row in json.loads(told[0])
        ]
        return Page(ask, rows, told[1], min(ask.page, pages), pages, request.path, sort)

    return Watched(_version(told), told[2:], made)


def listed(ask: Ask, rows: Sequence[Any], path: str, sort: str) -> Page:
    """The page of rows that are all at hand, in their order already. `path`: of the list; a form that acts on it may
    have been sent to another one."""
    pages = max(1, -(-len(rows) // ask.size))
    number = min(ask.page, pages)
    start = (number - 1) * ask.size
    return Page(ask, rows[start : start + ask.size], len(rows), number, pages, path, sort)


def search_text(text: str) -> str:
    """What somebody searches for: one line, not too long. Peewee's `contains` escapes LIKE's own characters."""
    return "".join(one for one in text if one.isprintable()).strip()[:LONGEST_SEARCH]


def _part(ask: Ask, query: Any, columns: Mapping[str, Any], number: int) -> Any:
    return query.order_by(*_order(ask, columns)).limit(ask.size).offset((number - 1) * ask.size)


def _version(shown: object) -> str:
    """With a key, so that what is not told can't be guessed from it."""
    key = hashlib.sha256(str(current_app.secret_key).encode()).digest()
    return hashlib.blake2b(repr(shown).encode(), key=key, digest_size=6).hexdigest()


def _told(
    ask: Ask, query: Any, columns: Mapping[str, Any], number: int, fields: Sequence[Any], further: Sequence[Any]
) -> Any:
    """Of that page: its rows as JSON, how many rows there are, and the further values."""
    rows = _part(ask, query.select(fn.json_array(*fields).alias("row")), columns, number).alias("rows")
    total = query.select(fn.COUNT(fields[0])).order_by()
    statement = Select([rows], [fn.json_group_array(fn.json(rows.c.row)), total, *further])
    return models.database.execute(statement).fetchone()


def _order(ask: Ask, columns: Mapping[str, Any]) -> list[Any]:
    """The chosen column and its tie-breakers, which go the same way, so that one index can serve both."""
    chosen = columns[ask.column]
    fields = chosen if isinstance(chosen, tuple | list) else (chosen,)
    return [one.desc() if ask.descending else one.asc() for one in fields]


def _number(text: str, default: int) -> int:
    return int(text) if _NUMBER.match(text) else default


def _one_of(text: str, values: Sequence[str]) -> str:
    return text if text in values else values[0]
