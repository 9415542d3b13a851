"""Requests signed by one account, at the addresses where the CA has its entrances now."""

from __future__ import annotations

from typing import Any

from jobs.policy.failure import Failure
from jobs.ports import Waits
from jobs.providers.protocol import registration
from jobs.providers.protocol.directory import Directories, Directory
from jobs.providers.protocol.jws import Key
from jobs.providers.protocol.problem import Answer, Refused
from jobs.providers.protocol.wire import SENT_AGAIN, Wire

NEW_ORDER_SENT_AGAIN = 1
"""A newOrder of which the answer was lost may have made an order. It is sent once more all the same (RFC 8555 section
7.4 lets a CA answer with the former one): a second order costs a little of the CA's limit, and nothing is lost. Not
more often, for a CA that is overloaded would make one each time."""

NOWHERE = frozenset({404, 405, 410})
"""HTTP status of an address that does not exist, or not any more."""


class Signed:
    """What one order sends, perhaps in several requests at once. `directory`: as it is now. Made for a single use."""

    def __init__(self, wire: Wire, directories: Directories, directory: Directory, key: Key, kid: str) -> None:
        self._wire = wire
        self._directories = directories
        self.directory = directory
        self._key = key
        self._kid = kid

    def ask(self, url: str, payload: Any, step: str, *, sent_again: int = SENT_AGAIN) -> Waits[Answer]:
        """POST, or POST-as-GET when `payload` is None. Raises Failure."""
        used = self.directory
        nonces = used.new_nonce
        try:
            sent = self._wire.post(url, payload, self._key, self._kid, nonces, step, sent_again=sent_again)
            return (yield from sent)
        except Refused as refused:
            if not (yield from self._moved(refused, nonces, used)):
                raise
        nonces = self.directory.new_nonce
        sent = self._wire.post(url, payload, self._key, self._kid, nonces, step, sent_again=sent_again)
        return (yield from sent)

    def new_order(self, payload: dict[str, Any], step: str) -> Waits[Answer]:
        """POST newOrder. Raises Failure."""
        used = self.directory
        try:
            return (yield from self.ask(used.new_order, payload, step, sent_again=NEW_ORDER_SENT_AGAIN))
        except Refused as refused:
            if not (yield from self._moved(refused, used.new_order, used)):
                raise
        return (yield from self.ask(self.directory.new_order, payload, step, sent_again=NEW_ORDER_SENT_AGAIN))

    def _moved(self, refused: Refused, address: str, used: Directory) -> Waits[bool]:
        """Whether the CA has its entrances elsewhere by now, one of which, in the directory that was used, led nowhere.
        Another request of the same order may have found that out already."""
        if refused.url != address or refused.status not in NOWHERE:
            return False
        self.directory = yield from self._directories.anew(used)
        return self.directory != used

    def check_account(self, refused: Refused) -> Waits[None]:
        """CAs refuse an account that is closed, or known by another address, in words of their own.

        Raises Failure("account_gone"), Failure("account_deactivated") if that is the cause of a refusal.
        """
        if refused.code != "ca_refused" or refused.kind not in ("malformed", "unauthorized"):
            return
        found = yield from registration.find(self._wire, self.directory, self._key)
        if found != self._kid:
            here = f"{found}, not {self._kid}" if found else "nothing"
            words = f"{refused.detail}; for the account's key the CA has {here}"
            raise Failure("account_gone", words, permanent=True, of_provider=True) from refused
