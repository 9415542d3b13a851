"""The verbs that need root: publish files, ask and reload a service, look at what it serves.

Today they run in this process; they are the seam at which a small root helper will take over. Each takes
plain validated values. Nothing else in the product starts a program, opens a file below /etc or sends a signal.
"""

from jobs.privileged.files import Former, former, publish, read, restore
from jobs.privileged.handshake import probe
from jobs.privileged.programs import Output, introspect, reload, running_pid, signal_process

__all__ = [
    "Former", "Output", "former", "introspect", "probe", "publish", "read", "reload", "restore", "running_pid",
    "signal_process",
]
