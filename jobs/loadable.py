"""Whether a server can load a stored set, tried in this process by the library that servers load it with.

OpenSSL refuses keys and signatures that are too weak for its security level, of the leaf and of every certificate that
goes along with it. Apache's test passes over that, and Apache ends at its next reload; with all of its websites.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from jobs.policy.failure import Failure
from jobs.store import FULLCHAIN, KEY


def refuse_unloadable(directory: Path) -> None:
    """Raises Failure("certificate_not_loadable"), Failure("store_failed")."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=2")  # Debian's own level, whatever this Python was built with
    try:
        context.load_cert_chain(directory / FULLCHAIN, directory / KEY, password=_no_password)
    except ssl.SSLError as error:
        why = error.reason.replace("_", " ").lower() if error.reason else str(error)
        raise Failure("certificate_not_loadable", f"{directory}: no server could load it: {why}") from error
    except ValueError as error:
        raise Failure("certificate_not_loadable", f"{directory}: no server could load it: {error}") from error
    except OSError as error:
        raise Failure("store_failed", f"{directory}: reading the certificate: {error.strerror}") from error


def _no_password() -> str:
    """Nobody is asked at the terminal."""
    raise ValueError("the key is encrypted")
