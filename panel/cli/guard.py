"""Where every error of the command line ends: one sentence on stderr and an exit code."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from jobs.policy.disk_trouble import disk_trouble
from jobs.policy.failure import Failure
from panel.cli.output import plain

FAILED, WRONG = 1, 2

CONFIGURATION = frozenset({
    "account_exists", "account_not_ours", "account_unknown", "already_serving", "backup_failed", "backup_invalid",
    "backup_newer", "bind_failed", "ca_bundle_unreadable", "config_invalid", "contact_invalid", "database_damaged",
    "demo_impossible", "directory_invalid", "eab_invalid", "eab_required", "entry_unknown", "feature_list_unknown",
    "file_unreadable", "in_use", "instance_missing", "instance_newer", "instance_not_empty", "instance_not_writable",
    "key_unreadable", "last_admin", "link_invalid", "manifest_invalid", "name_invalid", "name_not_ours", "not_root",
    "option_invalid", "package_unknown", "password_weak", "path_invalid", "plugin_unknown", "provider_disabled",
    "provider_exists", "provider_not_registered", "provider_unknown", "run_unknown", "serve_as_root",
    "terms_not_accepted", "token_unknown", "upgrade_failed", "upgrade_held", "user_exists", "user_unknown",
    "website_unknown", "zone_not_served",
})
"""Codes whose remedy is in the hands of whoever typed the command or wrote the configuration: exit 2."""


class Guarded:
    """Makes a click command end by one of the three exit codes; with `--json` the error is JSON on stdout as well."""

    def main(self, args: Any = None, prog_name: str | None = None, **settings: Any) -> None:
        """Run the command and leave the process. Bugs pass through with their traceback."""
        words = list(sys.argv[1:] if args is None else args)
        settings["standalone_mode"] = False
        try:
            code = super().main(args=list(words), prog_name=prog_name, **settings)  # type: ignore[misc]
        except Failure as failure:
            code = WRONG if failure.code in CONFIGURATION else FAILED
            _tell(words, failure.code, failure.detail, _when(failure))
        except NoArgsIsHelpError as error:
            code = WRONG
            click.echo(error.format_message(), err=True)
        except click.ClickException as error:
            code = WRONG
            hint = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
            _tell(words, "usage", error.format_message(), f" See `{hint} --help`." if hint else "")
        except click.Abort:
            code = FAILED
            _tell(words, "stopped", "stopped", "")
        except Exception as error:
            trouble = disk_trouble(error, "writing")
            if trouble is None:
                raise
            code = WRONG if trouble.code in CONFIGURATION else FAILED
            _tell(words, trouble.code, trouble.detail, "")
        sys.exit(code if isinstance(code, int) else 0)


def _answer(text: str) -> None:
    """Write to stdout; where that is what has no room, nothing more is written to it (Python would try at its end)."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _when(failure: Failure) -> str:
    return f" Next try not before {failure.retry_at:%Y-%m-%d %H:%M} UTC." if failure.retry_at else ""


def _tell(words: list[str], code: str, text: str, more: str) -> None:
    text = plain(text)
    as_json = json.dumps({"error": {"code": code, "text": text}}, ensure_ascii=False) + "\n"
    _answer(as_json if "--json" in words else "")
    click.echo(f"autossl: {text}{'' if text.endswith('.') else '.'}{more}" if more else f"autossl: {text}", err=True)
