"""The kinds of columns that the tables of `models.py` have.

A field writes its column into a statement in one step. Peewee makes four objects and three scopes of every column each
time: more than half of what it took to make a query of a dozen columns.
"""

from __future__ import annotations

from datetime import UTC, datetime

import peewee


class _Column:
    """`"t1"."name"`, or `"name"` among the values of an insertion or a change. No table of ours has its own alias,
    and a field of an alias made by a query is one of Peewee's."""

    def bind(self, model: type[peewee.Model], name: str, set_attribute: bool = True) -> None:
        super().bind(model, name, set_attribute)  # type: ignore[misc]
        self._quoted = f'"{self.column_name}"'  # type: ignore[attr-defined]

    def __sql__(self, ctx: peewee.Context) -> peewee.Context:
        if ctx.scope == peewee.SCOPE_VALUES:
            return ctx.literal(self._quoted)
        return ctx.literal(f'"{ctx.alias_manager[self.model._meta.table]}".{self._quoted}')  # type: ignore[attr-defined]


class AutoField(_Column, peewee.AutoField):
    pass


class BooleanField(_Column, peewee.BooleanField):
    pass


class ForeignKeyField(_Column, peewee.ForeignKeyField):
    pass


class IntegerField(_Column, peewee.IntegerField):
    pass


class TextField(_Column, peewee.TextField):
    pass


class UtcField(TextField):
    """An aware time, stored as ISO 8601 text in UTC, so that it sorts and reads as what it is."""

    def db_value(self, value: datetime | None) -> str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("expected an aware time, got a naive one")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def python_value(self, value: str | None) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)
