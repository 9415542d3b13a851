"""What notifiers share: letters as mail has them, and a library in a process of its own."""

from jobs.notifiers.system.mail_message import address, as_mail

LONGEST = 120
"""Seconds that one message may take at most. A claim in the outbox holds for far longer."""

__all__ = ["LONGEST", "address", "as_mail"]
