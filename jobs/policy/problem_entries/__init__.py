"""The entries of the catalogue in `jobs/policy/problems.py`: code -> (severity, title, text, remedy)."""

from jobs.policy.problem_entries.backup import BACKUP
from jobs.policy.problem_entries.caa import CAA
from jobs.policy.problem_entries.decisions import DECISIONS
from jobs.policy.problem_entries.dns import DNS
from jobs.policy.problem_entries.entry import Entry
from jobs.policy.problem_entries.host import HOST
from jobs.policy.problem_entries.mail import MAIL
from jobs.policy.problem_entries.names import NAMES
from jobs.policy.problem_entries.orders import ORDERS
from jobs.policy.problem_entries.renewals import RENEWALS
from jobs.policy.problem_entries.rootside import ROOTSIDE
from jobs.policy.problem_entries.served import SERVED
from jobs.policy.problem_entries.zones import ZONES

__all__ = [
    "BACKUP", "CAA", "DECISIONS", "DNS", "HOST", "MAIL", "NAMES", "ORDERS", "RENEWALS", "ROOTSIDE",
    "SERVED", "ZONES", "Entry",
]
