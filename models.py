"""The tables of one installation, in SQLite, and the entry of their migrations. No rule of the product lives here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peewee import SQL, CompositeKey, DatabaseProxy, Model, ModelIndex, SqliteDatabase
from playhouse.migrations import Runner

from jobs.columns import AutoField, BooleanField, ForeignKeyField, IntegerField, TextField, UtcField

BUSY_TIMEOUT = 15
"""Seconds that a writer waits for another writer."""

MIGRATIONS = Path(__file__).parent / "jobs" / "migrations"

database = DatabaseProxy()


class Row(Model):
    class Meta:
        database = database
        legacy_table_names = False


class Setting(Row):
    """One value that the administrator chose, as JSON text."""

    key = TextField(primary_key=True)
    value = TextField()


class User(Row):
    """Who may log in. `account` is set for a user of one account; `password` is a hash, or null until it is set."""

    id = AutoField()
    name = TextField(unique=True)
    password = TextField(null=True)
    role = TextField(default="admin")
    account = TextField(null=True, index=True)
    contact = TextField(null=True)
    """Where a reseller is mailed; the user of an account is at that account's own contact."""
    totp_secret = TextField(null=True)
    """Base32; null while there is no second factor."""
    totp_step = IntegerField(null=True)
    """The newest time step whose code was used: neither it nor an older one is taken again."""


class Session(Row):
    """A browser that gave the right password. What the browser holds can't be told from the row.

    Without a user, the second step of the sign-in is still missing.
    """

    hash = TextField(primary_key=True)
    """SHA-256 of the id in the cookie."""
    user = ForeignKeyField(User, null=True, backref="sessions", on_delete="CASCADE")
    data = TextField(default="{}")
    """JSON of what the panel keeps for this browser."""
    address = TextField()
    agent = TextField()
    created_at = UtcField()
    seen_at = UtcField(index=True)


class BackupCode(Row):
    """Takes the place of a second factor once; the row goes with its use."""

    id = AutoField()
    user = ForeignKeyField(User, backref="backup_codes", on_delete="CASCADE")
    hash = TextField()

    class Meta:
        indexes = ((("user", "hash"), True),)


class SetupLink(Row):
    """Lets who holds it set a user's password, once; the row goes with its use."""

    hash = TextField(primary_key=True)
    user = ForeignKeyField(User, backref="setup_links", on_delete="CASCADE")
    expires_at = UtcField()


class Token(Row):
    """A key to the JSON API, with at most its user's rights. `prefix` is its public part."""

    id = AutoField()
    user = ForeignKeyField(User, backref="tokens", on_delete="CASCADE")
    label = TextField()
    prefix = TextField(unique=True)
    hash = TextField()
    scope = TextField()
    """read | check | manage"""
    account = TextField(null=True)
    """The only account that it reaches; null: as its user does."""
    created_at = UtcField()
    expires_at = UtcField()
    used_at = UtcField(null=True)


class Attempt(Row):
    """Wrong sign-ins of one kind. The key is a hash: people type their password where their name belongs."""

    key = TextField(primary_key=True)
    kind = TextField()
    """pair | address | name"""
    user = ForeignKeyField(User, null=True, backref="attempts", on_delete="CASCADE")
    failures = IntegerField(default=0)
    changed_at = UtcField(index=True)
    succeeded_at = UtcField(null=True)


class AuditEntry(Row):
    """Something that somebody changed, or was refused to change."""

    id = AutoField()
    at = UtcField(index=True)
    who = TextField()
    role = TextField()
    action = TextField()
    object = TextField(default="")
    origin = TextField()
    """The address it came from, or `command line`."""
    result = TextField()


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
    package = TextField(default="default")
    reseller = TextField(null=True, index=True)
    state = TextField(default="active")
    source = TextField()
    override = TextField(null=True)
    """None, "enabled" or "disabled"; it wins over the feature list."""
    found_at = UtcField()
    gone_at = UtcField(null=True)
    wanted = IntegerField(null=True)
    """Names that should be covered, of which `covered` are; see `jobs/summaries.py`."""
    covered = IntegerField(null=True)
    problems = IntegerField(null=True)
    expires_at = UtcField(null=True)
    """When the first of its certificates ends."""
    near_at = UtcField(null=True)
    """From when the end of one of them is near."""
    notify = TextField(null=True)
    """The level that the account's user chose; null: as the administrator says."""

    class Meta:
        indexes = (
            (("gone_at", "name"), False),
            *(
                (("gone_at", column, "name"), False)
                for column in ("state", "package", "override", "problems", "expires_at")
            ),
            (("gone_at", "wanted", "covered", "name"), False),
        )

    @classmethod
    def coverage(cls) -> Any:
        """The part of the wanted names that is covered, 0 to 1; null while no check has counted."""
        return cls.covered.cast("REAL") / cls.wanted


_coverage = (Account.gone_at, Account.coverage(), Account.name)
Account.add_index(ModelIndex(Account, _coverage, name="account_gone_at_coverage_name"))


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
    part_of = TextField(null=True, index=True)
    """The main name of the website of which this row holds names beyond the provider's cap."""
    takeover = BooleanField(default=False, constraints=[SQL("DEFAULT 0")])
    """Certificates of somebody else's may be replaced on it, valid or not."""

    class Meta:
        indexes = ((("gone_at", "main"), False),)


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
    terms_seen = TextField(null=True)
    """The URL of the terms that the CA had when it was asked last."""
    contact = TextField(null=True)
    """The mail address that the CA was given."""
    eab_kid = TextField(null=True)
    former_accounts = TextField(null=True)
    """JSON list of the account URLs that it had here before; null: none."""
    persist = TextField(null=True)
    """JSON of how it takes dns-persist-01 (`issuers`, `hash_prefix`), when it said so last; null: never."""
    current = BooleanField(default=False)
    fallback = IntegerField(null=True)
    """Its place among the providers that are tried when the current one can't; null: it is none of them."""
    added_at = UtcField()
    account_renewed_at = UtcField(null=True)
    """When its account was made anew by itself, for the CA did not know it any more; null: never."""
    failures = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])
    """How many times in a row it was found down."""
    blocked_since = UtcField(null=True)
    blocked_until = UtcField(null=True)
    """It is not asked before; see `jobs/provider_pause.py`."""
    blocked_code = TextField(null=True)
    blocked_text = TextField(null=True)


class Certificate(Row):
    """A certificate that was stored for a website; the newest one with `retired_at` null is the live set."""

    id = AutoField()
    website = TextField(index=True)
    serial = TextField()
    fingerprint = TextField()
    names = TextField()
    issuer = TextField()
    provider = TextField()
    not_before = UtcField()
    not_after = UtcField()
    due_at = UtcField()
    stored_at = UtcField()
    retired_at = UtcField(null=True)
    key_type = TextField(null=True)
    """Null: it was stored before this was kept."""
    account_url = TextField(null=True)
    """The account at the CA that ordered it."""
    ari_id = TextField(null=True)
    """By which the CA is asked for its renewal window (RFC 9773); empty: it has none; null: that was not kept."""
    ari_start = UtcField(null=True)
    ari_end = UtcField(null=True)
    ari_point = UtcField(null=True)
    """The moment in the window that was chosen at random."""
    ari_asked_at = UtcField(null=True)
    ari_next = UtcField(null=True)
    """When the CA is asked again; null: never."""
    ari_failures = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])
    ari_url = TextField(null=True)
    """Where the CA explains to people why it asks."""
    ari_early = BooleanField(default=False, constraints=[SQL("DEFAULT 0")])
    """The CA asks for the renewal clearly before its time."""
    taken_from = TextField(null=True)
    """The program from which it was taken over. Several websites may have one certificate then."""

    class Meta:
        indexes = (
            (("fingerprint", "website"), True),
            (("retired_at", "not_after", "website"), False), (("retired_at", "due_at", "website"), False),
            (("retired_at", "ari_next"), False),
            (("retired_at", "ari_early", "ari_url"), False),
        )


class Revocable(Row):
    """A certificate whose CA publishes a list of the revoked ones: each of ours, and foreign ones that a check saw."""

    fingerprint = TextField(primary_key=True)
    serial = TextField()
    url = TextField(index=True)
    """Of the list."""
    issuer = TextField()
    """PEM of the CA's certificate, by which the list must be signed."""
    provider = TextField(null=True)
    """Who issued it here; null: it is foreign."""
    not_after = UtcField(index=True)
    next_at = UtcField(index=True)
    """When the list is looked at."""
    failures = IntegerField(default=0)
    revoked_at = UtcField(null=True, index=True)
    """As the list says."""


class ServiceState(Row):
    """What a service presents for a website, as of the last check."""

    website = TextField()
    service = TextField()
    state = TextField()
    """installed | waiting | failed: what became of the last installation; foreign | unreadable | none: there was none,
    and a certificate of somebody else's, one that can't be read, or nothing is configured there."""
    text = TextField(default="")
    presented = TextField(null=True)
    """JSON of the certificate that the check found there, where that is not the one that is installed."""
    client = TextField(null=True)
    """The other program in whose care that one is; null: nobody known."""
    fingerprint = TextField(null=True)
    checked_at = UtcField()
    attempts = IntegerField(default=0)
    retry_at = UtcField(null=True, index=True)
    served_at = UtcField(null=True)
    """When the watch (`jobs/policy/served_watch.py`) looked at what is served; the others are what it remembers."""
    served_state = TextField(null=True, index=True)
    served_fingerprint = TextField(null=True)
    differs_since = UtcField(null=True)
    reloaded_at = UtcField(null=True)
    """When the watch last reloaded the service for this."""

    class Meta:
        indexes = (
            (("website", "service"), True), (("state", "service", "website"), False), (("state", "served_at"), False)
        )


class Problem(Row):
    """The latest reason why a name, or with an empty name the website itself, is not as it should be."""

    website = TextField()
    name = TextField()
    service = TextField(constraints=[SQL("DEFAULT ''")], default="")
    """The service that serves something else than is installed, as the watch saw it; empty: a check's own problem."""
    code = TextField(index=True)
    text = TextField()
    since = UtcField()
    seen_at = UtcField()
    attempts = IntegerField(default=1)
    failures = IntegerField(constraints=[SQL("DEFAULT 1")], default=1)
    """Tries that failed since it was all right, whatever the reason was each time."""
    retry_at = UtcField(null=True)
    report = TextField(null=True)
    """JSON of what the preflight saw, see `jobs/policy/verdict.py`; null: it was not the preflight that failed."""

    class Meta:
        indexes = ((("website", "name", "service"), True),)


REAL_PROBLEM = SQL("code <> 'guess_unused'")
"""The condition of an index, word by word: without it a query would read a row for every guessed name of the host."""

Problem.add_index(ModelIndex(Problem, (Problem.code, Problem.since, Problem.website), where=REAL_PROBLEM,
                             name="problem_real"))
Problem.add_index(ModelIndex(Problem, (Problem.retry_at, Problem.website, Problem.code), where=REAL_PROBLEM,
                             name="problem_real_retry_at"))


class QueueEntry(Row):
    """One pending piece of work. `key` is unique while the entry is active."""

    id = AutoField()
    kind = TextField()
    """check | order; preview | look | doctor: a question of somebody who waits for the answer, see
    `jobs/wiring/questions.py`"""
    key = TextField(index=True)
    state = TextField(default="queued")
    """queued | running | waiting | done | failed | cancelled"""
    payload = TextField(default="{}")
    account = TextField(null=True, index=True)
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
    finished_at = UtcField(null=True, index=True)

    class Meta:
        indexes = ((("state", "run_after"), False), (("provider", "kind", "state", "finished_at"), False))


class Budget(Row):
    """A bucket of a provider's limit that is not full, see `jobs/policy/ledger.py`."""

    provider = TextField()
    counted = TextField()
    """What the limit counts: starts | orders | domain | set | failures"""
    key = TextField()
    """Of which registered domain, set of names, or name; empty: all of the account's."""
    full_at = UtcField()
    """When all of it is there again; the row has no more use then."""

    class Meta:
        primary_key = CompositeKey("provider", "counted", "key")
        indexes = ((("provider", "full_at"), False),)


class Reservation(Row):
    """What an order takes from buckets until its certificate came, or it was given up and gives it back."""

    website = TextField(primary_key=True)
    provider = TextField()
    names = TextField()
    """Hash of the set of names."""
    units = TextField()
    """JSON list of [what is counted, key, seconds until the unit would come back by itself]."""
    taken_at = UtcField()
    ordered = BooleanField(default=False)
    """The CA may have been asked for the order."""


class Run(Row):
    """One check; its log lies in `logs/<start>/`."""

    id = AutoField()
    start = TextField(unique=True)
    provider = TextField(default="")
    scope = TextField()
    """`*`, or accounts' names with commas between them; each has a row of its own as well."""
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


class RunAccount(Row):
    """One account of a run that was not over all."""

    account = TextField()
    run = ForeignKeyField(Run, backref="accounts", on_delete="CASCADE")

    class Meta:
        primary_key = CompositeKey("account", "run")


class DnsRecord(Row):
    """A value that we put into a zone, from before it is written until after it is taken away."""

    id = AutoField()
    backend = TextField()
    zone = TextField()
    name = TextField()
    kind = TextField()
    value = TextField()
    purpose = TextField()
    """challenge | caa"""
    provider = TextField(null=True)
    """For whom a CAA record was added."""
    put_at = UtcField()

    class Meta:
        indexes = ((("name", "kind", "value"), True), (("purpose", "put_at"), False))


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


class Message(Row):
    """One message to one recipient, until it was handed over, and as long as logs are kept after that: the outbox."""

    id = AutoField()
    key = TextField(unique=True)
    """Of the occasion and the recipient: the same is never put here twice."""
    channel = TextField()
    """`mail`: whichever notifier in use sends mail; else the notifier's own name."""
    recipient = TextField()
    """A mail address; empty where the notifier's options say where to."""
    message_id = TextField()
    """Stays the same at every try, so that a receiver can tell a message that comes twice."""
    subject = TextField()
    content = TextField()
    """JSON of the digest (`jobs/policy/digest.py`), of which text and HTML are made."""
    state = TextField(default="waiting")
    """waiting | sent | failed"""
    code = TextField(default="")
    """Of the failure of the last try; empty while there was none, and during a try."""
    answer = TextField(default="")
    """The server's last words, or why it was not reached."""
    created_at = UtcField()
    run_after = UtcField()
    attempts = IntegerField(default=0)
    tried_at = UtcField(null=True)
    finished_at = UtcField(null=True)

    class Meta:
        indexes = ((("state", "run_after"), False), (("state", "finished_at"), False))


class Told(Row):
    """What a recipient knows of; see `jobs/policy/notify_told.py`."""

    recipient = TextField()
    """With the channel before it."""
    key = TextField()
    content = TextField()
    """A digest of what it was about. What comes and goes between two problems has a row for each."""
    told_at = UtcField(index=True)
    gone_at = UtcField(null=True)
    """When it was found to be over."""

    class Meta:
        indexes = ((("recipient", "key", "content"), True), (("key", "gone_at"), False))


TABLES: tuple[type[Row], ...] = tuple(Row.__subclasses__())


def open_database(path: Path) -> SqliteDatabase:
    """Bind the tables to the SQLite file at `path`. It is not created here: see `jobs/wiring/schema.py`.

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


def runner(real: SqliteDatabase) -> Runner:
    """What knows the migrations and applies them; only `jobs/wiring/schema.py` lets it."""
    return Runner(real, directory=str(MIGRATIONS))
