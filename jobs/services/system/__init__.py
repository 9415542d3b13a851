"""What the services of this package share: what a file presents, handshakes, and the grammar of what is rendered."""

from jobs.services.system.challenge_directory import refuse_link
from jobs.services.system.handshakes import SETTLE, Clock, handshakes
from jobs.services.system.presented import if_made_for, is_link_of_ours, presented
from jobs.services.system.rendering import MARK, rendered_name, rendered_path

__all__ = [
    "MARK", "SETTLE", "Clock", "handshakes", "if_made_for", "is_link_of_ours", "presented", "refuse_link",
    "rendered_name", "rendered_path",
]
