"""The verbs that need root: publish files, ask and reload a service, look at what it serves.

Today they run in this process; they are the seam at which a small root helper will take over. Each takes
plain validated values. Nothing else in the product starts a program, opens a file below /etc or sends a signal.
"""

from jobs.privileged.apache import (
    ApacheConfiguration,
    WhereApacheIs,
    apache_configuration,
    apache_graceful,
    apache_modules,
    apache_pid,
    apache_present,
    apache_start,
    apache_test,
)
from jobs.privileged.as_owner import as_owner, become, owner_of
from jobs.privileged.bind import named_configuration, zone_listing, zone_reload, zone_status
from jobs.privileged.files import Former, former, publish, read, restore
from jobs.privileged.free_ports import port_is_free
from jobs.privileged.handshake import probe
from jobs.privileged.listeners import Listener, listening
from jobs.privileged.locks import lock_taken, locked, take_lock
from jobs.privileged.nginx import nginx_directives
from jobs.privileged.other_clients import forget_other_clients, other_clients
from jobs.privileged.own_addresses import own_addresses
from jobs.privileged.programs import Output, introspect, reload, running_pid, signal_process
from jobs.privileged.scripts import run_apart, run_script
from jobs.privileged.sendmail import check_sendmail, sendmail
from jobs.privileged.trusted_files import Trusted, directories_in, read_trusted, refuse_untrusted
from jobs.privileged.zone_files import ZoneFile, publish_zone_file, read_zone_file

__all__ = [
    "ApacheConfiguration", "Former", "Listener", "Output", "Trusted", "WhereApacheIs", "ZoneFile",
    "apache_configuration", "apache_graceful", "apache_modules", "apache_pid", "apache_present", "apache_start",
    "apache_test", "as_owner", "become", "check_sendmail", "directories_in", "forget_other_clients", "former",
    "introspect", "listening", "lock_taken", "locked", "named_configuration", "nginx_directives", "other_clients",
    "own_addresses", "owner_of", "port_is_free", "probe", "publish", "publish_zone_file", "read", "read_trusted",
    "read_zone_file", "refuse_untrusted", "reload", "restore", "run_apart", "run_script", "running_pid", "sendmail",
    "signal_process", "take_lock", "zone_listing", "zone_reload", "zone_status",
]
