"""Every question of the set-up, each with the flag that answers it, and what counts where nobody can be asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import click

from jobs.policy.failure import Failure
from jobs.ports import Eab
from jobs.wiring import people
from jobs.wiring.custom_provider import read_eab, typed_eab
from jobs.wiring.first_minutes import panel_name, provider
from jobs.wiring.first_minutes.provider import PRIVATE, Known, Terms, Wanted
from jobs.wiring.first_minutes.standing import Standing
from jobs.wiring.registration import checked_contact
from panel.cli.output import plain
from panel.cli.secret_files import read_secret
from panel.cli.setup import words

STAGING, LETS_ENCRYPT = "letsencrypt_staging", "letsencrypt"
ADMINISTRATOR = "admin"
_LARGEST_BUNDLE = 1024 * 1024


class Manner(Enum):
    """How what no flag says is answered."""

    ASKED = "somebody at a terminal is asked"
    USUAL = "--yes: as Enter would"
    ONLY_SAID = "nobody is there: nothing is done but what flags say"


@dataclass(frozen=True)
class Flags:
    """What was typed. None, empty or False: nothing was."""

    yes: bool = False
    admin: str | None = None
    password_file: str | None = None
    hostname: str | None = None
    provider: str | None = None
    directory: str | None = None
    ca_bundle: Path | None = None
    contact: str | None = None
    eab_kid: str | None = None
    eab_hmac_file: Path | None = None
    accept_terms: bool = False
    no_provider: bool = False
    no_doctor: bool = False

    @property
    def names_provider(self) -> bool:
        return self.provider is not None or self.directory is not None


def manner(flags: Flags, json: bool, plan: bool) -> Manner:
    if flags.yes or plan:
        return Manner.USUAL
    return Manner.ASKED if not json and somebody_is_there() else Manner.ONLY_SAID


def somebody_is_there() -> bool:
    """Whether questions come to a person."""
    return sys.stdin.isatty()


class Answers:
    """`standing`: what there is already, which nobody is asked for. Questions raise click.Abort at Ctrl-C."""

    def __init__(self, flags: Flags, how: Manner, standing: Standing) -> None:
        self.flags = flags
        self.how = how
        self._standing = standing
        self.password: str | None = None

    @property
    def asked(self) -> bool:
        return self.how is Manner.ASKED

    # --- before anything is done

    def check(self, plan: bool) -> None:
        """Refuse what can't be meant, and what is missing where nobody can be asked; so that nothing is begun then.
        For a plan nothing is missing.

        Raises click.UsageError, and Failure of what is wrong with a value.
        """
        flags = self.flags
        if flags.no_provider and (flags.names_provider or flags.accept_terms):
            raise click.UsageError("expected either --no-provider, or --provider or --directory with --accept-terms")
        if flags.ca_bundle is not None and flags.directory is None:
            raise click.UsageError("--ca-bundle says whom to trust at --directory URL, which is missing")
        if flags.admin is not None:
            people.check_name(flags.admin)
        if flags.hostname:
            panel_name.checked(flags.hostname)
        wanted = self._said_provider()
        if wanted is not None:
            provider.check(wanted, self._standing.known)
        elif flags.contact:
            checked_contact(flags.contact)
        if flags.password_file is not None:
            self.password = read_secret(flags.password_file, "password")
            people.check_password(self.password)
        missing = [] if plan else self._missing()
        if missing:
            raise click.UsageError(f"nobody is asked here, so this has to be said: {' and '.join(missing)}")

    def _missing(self) -> list[str]:
        if self.asked:
            return []
        needed = [] if self.how is Manner.USUAL or self._standing.administrator else ["--yes"]
        if self.wants_provider and not self.flags.accept_terms:
            needed.append("--accept-terms for the CA's terms of service (or --no-provider)")
        return needed

    # --- the questions, in their order

    def write(self, show: Callable[[], None], anything: bool) -> bool:
        """Flag: --yes. `show` prints every line of what would be written."""
        if not self.asked:
            return True
        choices = "y, n, or s to show every line first" if anything else "y or n"
        while True:
            given = click.prompt(f"Go on? {choices}", default="y", value_proc=_one_of("y", "n", "s")).lower()
            if given[0] != "s":
                return bool(given[0] == "y")
            show()

    def administrator(self) -> str | None:
        """Flag: --admin. None: there is one already."""
        if self._standing.administrator:
            return None
        if self.flags.admin is not None:
            return self.flags.admin
        if not self.asked:
            return ADMINISTRATOR
        return _prompt("Administrator's name", ADMINISTRATOR, people.check_name)

    def hostname(self, propose: Callable[[], str]) -> str:
        """Flag: --hostname. Empty: as it is."""
        if self.flags.hostname is not None:
            return panel_name.checked(self.flags.hostname) if self.flags.hostname else ""
        if self._standing.hostname or self.how is Manner.ONLY_SAID:
            return ""
        name = propose()
        if not self.asked:
            return name
        given = _prompt(_or_none("Name under which the panel is opened", name), name, panel_name.checked)
        return panel_name.checked(given) if given else ""

    @property
    def wants_provider(self) -> bool:
        """Whether there is one to choose. Where none is in use though there was one, somebody wanted it so."""
        flags, stands = self.flags, self._standing
        if flags.no_provider:
            return False
        wanted = self._said_provider()
        if wanted is not None:
            return wanted.name != stands.provider or bool(wanted.directory and wanted.directory != stands.directory)
        return not stands.provider and not stands.registered and (
            self.how is not Manner.ONLY_SAID or not stands.administrator
        )

    def provider(self, choices: Callable[[], Sequence[Known]]) -> Wanted | None:
        """Flags: --provider, --directory. None: no CA for now."""
        said = self._said_provider()
        if said is not None or not self.asked:
            return said or self._wanted(STAGING)
        click.echo(words.FIRST_CHOICE)
        given = click.prompt("Which one", default="1", value_proc=_one_of("1", "2", "3", "4"))
        if given in "12":
            return self._wanted(STAGING if given == "1" else LETS_ENCRYPT)
        return self._another(choices()) if given == "3" else None

    def eab(self, terms: Terms) -> Eab | None:
        """Flags: --eab-kid, --eab-hmac-file. Asked for only where the CA wants it."""
        if self._eab is not None or not (terms.eab_required and self.asked):
            return self._eab
        click.echo("This CA wants an external account binding, which its own website gives to its customers.")
        kid = click.prompt("Key id", default="", show_default=False)
        return typed_eab(kid, click.prompt("HMAC key (not shown)", hide_input=True)) if kid else None

    def contact(self, usual: str) -> str:
        """Flag: --contact. Empty: as the configuration says."""
        if self.flags.contact is not None or not self.asked:
            return self.flags.contact or ""
        return _prompt(_or_none("Mail address for the CA", usual), usual, checked_contact)

    def terms(self, terms: Terms) -> bool | str:
        """Flag: --accept-terms. The only question whose Enter means no; a yes is the URL that was shown."""
        if self.flags.accept_terms or not terms.url:
            return True
        if not self.asked:
            return False
        click.echo(f"Its terms of service: {plain(terms.url)}")
        return terms.url if click.confirm("Did you read them, and do you agree?", default=False) else False

    # --- parts of them

    @property
    def _eab(self) -> Eab | None:
        return read_eab(self.flags.eab_kid, self.flags.eab_hmac_file)

    def _said_provider(self) -> Wanted | None:
        flags = self.flags
        if not flags.names_provider:
            return None
        return self._wanted(flags.provider or PRIVATE, flags.directory or "", _bundle(flags.ca_bundle))

    def _wanted(self, name: str, directory: str = "", ca_pem: str = "") -> Wanted:
        return Wanted(name, directory, ca_pem, self.flags.contact or "", self._eab)

    def _another(self, choices: Sequence[Known]) -> Wanted:
        click.echo(words.choices(choices))
        numbers = [str(number) for number in range(1, len(choices) + 1)]
        given = click.prompt("Which one, or the https URL of an ACME directory", default="1",
                             value_proc=lambda text: _number_or_url(text, numbers))
        if given in numbers:
            return self._wanted(choices[int(given) - 1].name)
        path = click.prompt("File with the certificates (PEM) that its HTTPS is trusted by, or Enter where any browser"
                            " trusts it", default="", show_default=False, value_proc=_readable)
        return self._wanted(PRIVATE, given, _bundle(Path(path) if path else None))


def _prompt(text: str, usual: str, check: Callable[[str], object]) -> str:
    """Asked again until it fits; the usual answer is taken as it is."""

    def fitting(given: str) -> str:
        if given and given != usual:
            _said(check, given)
        return given

    answer: str = click.prompt(text, default=usual, show_default=bool(usual), value_proc=fitting)
    return answer


def _said(check: Callable[[str], object], given: str) -> None:
    """A failure becomes a sentence of the prompt, which then asks again."""
    try:
        check(given)
    except Failure as failure:
        raise click.BadParameter(plain(failure.detail)) from failure


def _or_none(text: str, usual: str) -> str:
    return text if usual else f"{text}, or Enter for none"


def _one_of(*known: str) -> Callable[[str], str]:
    def fitting(given: str) -> str:
        if given[:1].lower() not in known:
            raise click.BadParameter(f"expected {', '.join(known[:-1])} or {known[-1]}")
        return given[:1].lower()

    return fitting


def _number_or_url(given: str, numbers: Sequence[str]) -> str:
    if given not in numbers:
        if given.isdecimal():
            raise click.BadParameter(f"expected a number from 1 to {numbers[-1]}, or a URL")
        _said(lambda text: provider.check(Wanted(PRIVATE, text)), given)
    return given


def _readable(given: str) -> str:
    if given:
        _said(lambda text: provider.check(Wanted(PRIVATE, "https://ca.invalid/", _bundle(Path(text)))), given)
    return given


def _bundle(path: Path | None) -> str:
    """Its text, read by whoever types the command: who registers may not read there. Raises Failure."""
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_BUNDLE).decode("utf-8", "replace")
    except OSError as error:
        words = f"{path}: reading the CA bundle: {error.strerror}"
        raise Failure("file_unreadable", words, permanent=True) from error
