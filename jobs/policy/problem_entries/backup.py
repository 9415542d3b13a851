"""What can be wrong with the database, with a backup, with putting one back, and with an upgrade."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

BACKUP: dict[str, Entry] = {
    "database_busy": (
        "warning", "The database is held by another process",
        "What was to be written was not, and nothing is half-written. What services present stays as it is.",
        "Nothing, if it was short: it is tried again. Else look for a program that has panel.sqlite3 open.",
    ),
    "database_damaged": (
        "error", "The database is damaged",
        "Nothing is done on damaged rows. Services go on presenting what they have.",
        "Put the newest sound copy back: `autossl restore` with a file of backups/db, or with a backup. The message"
        " names it.",
    ),
    "log_incomplete": (
        "warning", "The log lacks events",
        "The disk took no more lines. The run went on, for certificates come before its log.",
        "Make room below instance/logs.",
    ),
    "backup_invalid": (
        "error", "This is no backup that can be put back",
        "Every file of a backup is compared with its manifest before anything is changed. Nothing was changed.",
        "Take another backup, or the file as it was when it was made.",
    ),
    "backup_newer": (
        "error", "The backup is of a newer version",
        "Its database has tables that this version of the program does not know. Nothing was changed.",
        "Install the version that the message names, or a later one, then restore again.",
    ),
    "backup_failed": (
        "error", "The backup could not be made",
        "No file was left behind, and a former one of that name is as it was.",
        "Look at what the message names, then run it again.",
    ),
    "backup_unsettled": (
        "warning", "The backup could not be made",
        "What it should hold was changed again and again while it was read.",
        "Run it again when no check is running.",
    ),
    "instance_not_empty": (
        "error", "There is an installation already",
        "Nothing is put over what stands there unless you say so. Nothing was changed.",
        "Add --force: what stands there is kept under another name.",
    ),
    "instance_busy": (
        "error", "The installation is in use",
        "A check or a setup is running on it. Nothing was changed.",
        "Wait for its end, then run it again.",
    ),
    "instance_newer": (
        "error", "The installation is of a newer version",
        "Its database has changes that this version of the program does not know. Nothing was done on it.",
        "Install the version that the message names, or a later one; or put back the copy that was made before the"
        " upgrade.",
    ),
    "upgrade_held": (
        "error", "A server of the former version is still running",
        "The database is brought up to this version only when nobody else works on it. Nothing was changed.",
        "Stop the server, then start it anew: that does the rest.",
    ),
    "upgrade_failed": (
        "error", "The database could not be brought up to this version",
        "It is as it was before, and services present what they have. The former version works on it.",
        "Go back to the former version, and report what the message says.",
    ),
    "restore_impossible": (
        "error", "The backup could not be put in place",
        "The installation is as it was before.",
        "Look at what the message names, then run it again.",
    ),
}
