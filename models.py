"""The tables of one installation, in SQLite, and the entry of their migrations. No rule of the product lives here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from peewee import (
    AutoField,
    BooleanField,
    DatabaseProxy,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
    TextField,
)
from playhouse.migrations import Runner

BUSY_TIMEOUT = 15
"""Seconds that a writer waits for another writer."""

MIGRATIONS = Path(__file__).parent / "jobs" / "migrations"

database = DatabaseProxy()


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


class Row(Model):
    class Meta:
        database = database
        legacy_table_names = False


class Setting(Row):
    """One value that the administrator chose, as JSON text."""

    key = TextField(primary_key=True)
    value = TextField()


class User(Row):
    """Who may log in. `account` is set for a user of one account; `password` is a hash."""

    id = AutoField()
    name = TextField(unique=True)
    password = TextField(null=True)
    role = TextField(default="admin")
    account = TextField(null=True)
    session_key = TextField()


class FeatureList(Row):
    name = TextField(primary_key=True)
    autossl = BooleanField(default=True)
    service_names = TextField(null=True)
    """JSON list; null: as the options say."""
    wildcard = BooleanField(default=False)
    key_type = TextField(null=True)


class Package(Row):
    name = TextField(primary_key=True)
    feature_list = ForeignKeyField(FeatureList, backref="packages", on_delete="RESTRICT")


class Assignment(Row):
    """A website whose owner no source can tell, and the account that an administrator gave it to."""

    main = TextField(primary_key=True)
    account = TextField()
    assigned_at = UtcField()


class Account(Row):
    name = TextField(primary_key=True)
    contact = TextField(null=True)
    package = TextField(default="default", index=True)
    reseller = TextField(null=True)
    state = TextField(default="active")
    source = TextField()
    override = TextField(null=True)
    """None, "enabled" or "disabled"; it wins over the feature list."""
    found_at = UtcField()
    gone_at = UtcField(null=True)
    wanted = IntegerField(null=True)
    """Names that should be covered, of which `covered` are; see `jobs/summaries.py`."""
    covered = IntegerField(null=True)
    problems = IntegerField(null=True, index=True)
    expires_at = UtcField(null=True, index=True)
    """When the first of its certificates ends."""
    notify = TextField(null=True)
    """The level that the account's user chose; null: as the administrator says."""


class Website(Row):
    id = AutoField()
    account = ForeignKeyField(Account, backref="websites", on_delete="CASCADE")
    main = TextField(unique=True)
    names = TextField()
    """JSON list, the main name first."""
    rejected = TextField(default="[]")
    """JSON list of [text, reason]: what the source named that can't be a host name."""
    docroot = TextField(null=True)
    source = TextField()
    file = TextField(null=True)
    line = IntegerField(null=True)
    found_at = UtcField()
    gone_at = UtcField(null=True)


class Exclusion(Row):
    """A name that its user or an administrator keeps out of AutoSSL."""

    account = ForeignKeyField(Account, backref="exclusions", on_delete="CASCADE")
    name = TextField()

    class Meta:
        indexes = ((("account", "name"), True),)


class Provider(Row):
    """A CA as configured here. Secrets are not in the table but in files of the instance's `keys/`."""

    name = TextField(primary_key=True)
    plugin = TextField()
    options = TextField(default="{}")
    account_url = TextField(null=True)
    terms_accepted = TextField(null=True)
    """The URL of the terms that were accepted."""
    eab_kid = TextField(null=True)
    current = BooleanField(default=False)
    added_at = UtcField()
    blocked_until = UtcField(null=True)


class Certificate(Row):
    """A certificate that was stored for a website; the newest one with `retired_at` null is the live set."""

    id = AutoField()
    website = TextField(index=True)
    serial = TextField()
    fingerprint = TextField(unique=True)
    names = TextField()
    issuer = TextField()
    provider = TextField()
    not_before = UtcField()
    not_after = UtcField()
    due_at = UtcField(index=True)
    stored_at = UtcField()
    retired_at = UtcField(null=True, index=True)


class ServiceState(Row):
    """What a service presents for a website, as of the last check."""

    website = TextField()
    service = TextField()
    state = TextField()
    text = TextField(default="")
    fingerprint = TextField(null=True)
    checked_at = UtcField()
    attempts = IntegerField(default=0)
    retry_at = UtcField(null=True, index=True)

    class Meta:
        indexes = ((("website", "service"), True),)


class Problem(Row):
    """The latest reason why a name, or with an empty name the website itself, is not as it should be."""

    website = TextField()
    name = TextField()
    code = TextField()
    text = TextField()
    since = UtcField()
    seen_at = UtcField()
    attempts = IntegerField(default=1)
    retry_at = UtcField(null=True, index=True)

    class Meta:
        indexes = ((("website", "name"), True),)


class QueueEntry(Row):
    """One pending piece of work. `key` is unique while the entry is active."""

    id = AutoField()
    kind = TextField()
    """check | order"""
    key = TextField(index=True)
    state = TextField(default="queued")
    """queued | running | waiting | done | failed | cancelled"""
    payload = TextField(default="{}")
    account = TextField(null=True)
    website = TextField(null=True)
    provider = TextField(null=True)
    order_url = TextField(null=True)
    answer = TextField(default="")
    requested_at = UtcField()
    run_after = UtcField()
    polled_at = UtcField(null=True)
    heartbeat_at = UtcField(null=True)
    owner = TextField(null=True)
    attempts = IntegerField(default=0)
    finished_at = UtcField(null=True)

    class Meta:
        indexes = ((("state", "run_after"), False),)


class Run(Row):
    """One check; its log lies in `logs/<start>/`."""

    id = AutoField()
    start = TextField(unique=True)
    provider = TextField(default="")
    scope = TextField()
    """`*`, or an account's name."""
    started_at = UtcField()
    finished_at = UtcField(null=True, index=True)
    result = TextField(default="running")
    """running | done | failed | stopped"""
    totals = TextField(default="{}")
    done = IntegerField(null=True)
    """Websites that are decided or ordered, of `total`; `current` is the account that was begun last."""
    total = IntegerField(null=True)
    current = TextField(null=True)
    stop_asked_at = UtcField(null=True)


class SetupFile(Row):
    """A service's file that `setup` or an installation changed, with what stood there first, for `setup --undo`."""

    path = TextField(primary_key=True)
    service = TextField()
    existed = BooleanField()
    link = TextField(null=True)
    backup = TextField(null=True)
    """The backup's file name below `backups/`."""
    mode = IntegerField(default=0o644)
    uid = IntegerField(default=0)
    gid = IntegerField(default=0)
    written_sha256 = TextField(default="")
    changed_at = UtcField()


TABLES: tuple[type[Row], ...] = (
    Setting,
    User,
    FeatureList,
    Package,
    Assignment,
    Account,
    Website,
    Exclusion,
    Provider,
    Certificate,
    ServiceState,
    Problem,
    QueueEntry,
    Run,
    SetupFile,
)


def open_database(path: Path) -> SqliteDatabase:
    """Bind the tables to the SQLite file at `path`. It is not created here: see `migrate`.

    Write-ahead log, `BEGIN IMMEDIATE` (deferred transactions fail under concurrent writers), foreign keys on.
    """
    real = SqliteDatabase(
        str(path),
        pragmas={"journal_mode": "wal", "synchronous": "normal", "foreign_keys": 1},
        timeout=BUSY_TIMEOUT,
        lock_type="IMMEDIATE",
    )
    database.initialize(real)
    return real


def migrate(real: SqliteDatabase) -> list[str]:
    """Bring the schema up to this version; returns the names of the migrations that were applied."""
    applied: list[Any] = Runner(real, directory=str(MIGRATIONS)).up()
    return [str(name) for name in applied]
