"""What can be wrong when a DNS backend changes a zone: the zone, its file, the server that is told to."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

ZONES: dict[str, Entry] = {
    # --- what is to be written, and where it would stand
    "zone_record_invalid": (
        "error", "A record that is never written",
        "Its name, kind, value or TTL is not one that this program puts into a zone.",
        "It is a fault of this program or of the CA; please report the message.",
    ),
    "zone_cname_in_the_way": (
        "error", "A CNAME is in the way",
        "Beside a CNAME no other record can stand (RFC 1034); name servers refuse it, or ignore it in silence.",
        "Write the record where the CNAME leads to, or replace the CNAME by A and AAAA records.",
    ),
    "zone_delegated": (
        "error", "The name belongs to another zone",
        "A delegation (NS) or a DNAME leads from this zone to another one, where the record would have to stand.",
        "Set up a DNS backend for that zone, or add the record there by hand.",
    ),
    # --- zones by their files
    "zone_not_primary": (
        "error", "The zone is not primary here",
        "This host only copies it from another server, so that a change here would be lost.",
        "Take the zone off the backend's list, or set up a backend for its primary server.",
    ),
    "zone_in_several_views": (
        "error", "The zone stands in several views",
        "Which of its versions the world sees can't be told, so none is changed.",
        "Let the views share the zone (in-view), use rfc2136 at the address of the public view, or add the record by "
        "hand.",
    ),
    "zone_is_dynamic": (
        "error", "The zone is dynamic",
        "The name server changes its file itself and would lose or overwrite what is edited there.",
        "Use the backend rfc2136 with a key that the zone's update-policy allows TXT and CAA records.",
    ),
    "zone_file_unsupported": (
        "error", "The zone file is not one that can be edited",
        "It is no text, signed already, or holds what has to be changed by $INCLUDE or $GENERATE.",
        "Make the change by hand, or have named sign the zone itself (inline-signing), or use rfc2136.",
    ),
    "zone_file_unsafe": (
        "error", "The zone file could be somebody else's",
        "It is a link, or others than root and the name server may change it or its directory. Root does not write "
        "there.",
        "Give the file and its directory to root or to named's account, without write permission for others.",
    ),
    "zone_broken_before": (
        "error", "The zone was broken before",
        "The name server would not load its file, so nothing was touched. An older version may still be served.",
        "Correct what named-checkzone says, and reload the zone.",
    ),
    "zone_edit_pending": (
        "error", "The zone file holds changes that are not loaded",
        "Somebody edited it since named loaded it. Publishing another change would publish that one as well.",
        "Load it with `rndc reload ZONE`, or put back the former file; then check again.",
    ),
    "zone_served_differently": (
        "error", "Another version of the zone is served",
        "The server that is asked for the proof does not answer with what named has loaded: another view or program.",
        "Set the backend's address to where this named answers for the public.",
    ),
    "zone_not_loaded": (
        "error", "The name server has not loaded the zone",
        "It stands in the configuration, but named does not serve it: never loaded, or not known before a reload.",
        "Read named's log; `rndc reconfig` takes a new configuration over.",
    ),
    "zone_check_failed": (
        "error", "The changed zone would not be right",
        "The name server would refuse it, or it would differ in more than what was to be changed. Nothing was written.",
        "Make the change by hand; please report the message.",
    ),
    "zone_changed_meanwhile": (
        "warning", "The zone was changed by somebody else meanwhile",
        "What was read is not what stands there now, so nothing was written over it.",
        "It is tried again with the next check.",
    ),
    "zone_not_written": (
        "error", "The zone file could not be written",
        "The former one stands as it was.",
        "Check that the disk is neither full nor read-only.",
    ),
    "zone_reload_refused": (
        "error", "The name server refused to reload the zone",
        "The former file was put back.",
        "See what `rndc reload ZONE` says.",
    ),
    "zone_change_not_served": (
        "error", "A change is not served",
        "The name server said that all went well, but goes on answering as before. The former state was put back.",
        "Read the name server's log.",
    ),
    "zone_not_restored": (
        "error", "A zone could not be put back",
        "A change had to be taken back and that failed. The zone may hold a value that is not needed.",
        "Look at what the message names, and at the name server's log. For BIND, then run `rndc reload ZONE`.",
    ),
    "zone_busy": (
        "warning", "The zone is being changed elsewhere",
        "Another process of this installation holds it for longer than it should take.",
        "It is tried again with the next check.",
    ),
    "dns_backend_no_control": (
        "error", "The name server can't be controlled",
        "The program rndc gets no answer: named is not running, its controls are closed, or the key is another one.",
        "See what `rndc status` says; name the key's file in the backend's options if it is at an unusual place.",
    ),
    # --- zones by updates
    "zone_not_at_server": (
        "error", "The server does not have the zone",
        "It is not authoritative for it, or only a secondary server.",
        "Correct the backend's server or its list of zones.",
    ),
    "zone_update_refused": (
        "error", "The zone takes no updates",
        "It is frozen (`rndc freeze`), a static zone, or the key may not change it at all.",
        "Run `rndc thaw ZONE` and look into named's log, or give the key the right by update-policy or allow-update.",
    ),
    "zone_update_forbidden": (
        "error", "This record may not be updated",
        "The zone takes updates, but its policy does not allow the key this kind of record at this name.",
        "Allow it, for instance by `grant KEY zonesub TXT CAA;` in the zone's update-policy.",
    ),
    "dns_backend_no_updates": (
        "error", "The server does not know updates",
        "It does not understand or not support DNS updates (RFC 2136).",
        "Switch them on at the server, or use another backend.",
    ),
    "dns_backend_key_unknown": (
        "error", "The server does not know the key",
        "The name of the TSIG key or its algorithm is another one there.",
        "Compare key name and algorithm with the server's configuration.",
    ),
    "dns_backend_key_wrong": (
        "error", "The key's secret is wrong",
        "The server has another secret for the TSIG key of this name.",
        "Enter the secret as the server's configuration has it.",
    ),
    "dns_backend_clock": (
        "error", "The clocks differ too much",
        "Signed messages hold for five minutes before and after the time at the other end.",
        "Set the clocks of this host and of the name server, best by NTP.",
    ),
    "dns_backend_unreachable": (
        "error", "The server can't be reached",
        "There is no route, nobody listens, or its name has no address.",
        "Check the backend's server and port, and the firewalls in between (TCP and UDP).",
    ),
    "dns_backend_timeout": (
        "error", "The server does not answer",
        "What was sent may have arrived or not; a value that may have been written is looked for again.",
        "Check that the server is up and that no firewall drops the packets.",
    ),
    "dns_backend_bad_answer": (
        "error", "The server's answer can't be used",
        "It is malformed, belongs to another question, or lacks the signature that the question had.",
        "Check that the address is that of a name server, with nothing in between that changes messages.",
    ),
    "dns_backend_server_failed": (
        "error", "The server reports an error of its own",
        "For instance, BIND can't write its journal where the directory isn't its own.",
        "Read the name server's log.",
    ),
    # --- zones by an API
    "zone_change_refused": (
        "error", "The name server refuses the change",
        "The message has its own words. The set stands as it was.",
        "Correct what the message names, or make the change by hand.",
    ),
    "zone_signed_elsewhere": (
        "error", "The zone was signed elsewhere",
        "It came here with its signatures (DNSSEC), which a change would break; resolvers would refuse the zone.",
        "Make the change where the zone is signed.",
    ),
    "zone_record_disabled": (
        "error", "The value stands in the zone, disabled",
        "Somebody switched this very record off, which is not undone without being asked.",
        "Enable the record, or delete it, where the zone is managed.",
    ),
    "dns_backend_api_missing": (
        "error", "There is no such API at the address",
        "Something answers there, but knows no zones of the server id that it was asked for.",
        "Correct API URL and server id; PowerDNS needs `api=yes` and `webserver=yes` in pdns.conf.",
    ),
    "dns_backend_api_key_wrong": (
        "error", "The API refuses the key",
        "The server has another API key.",
        "Enter the key as the server's configuration has it (`api-key` in pdns.conf).",
    ),
    "dns_backend_api_forbidden": (
        "error", "The API does not let this host in",
        "It does not allow this host's address, or a proxy in front of it refuses.",
        "Allow this host's address where the API is configured.",
    ),
    "dns_backend_api_hung_up": (
        "error", "The API hangs up without an answer",
        "PowerDNS does so to every address that it does not allow; a server that crashes does so too.",
        "Allow this host's address (`webserver-allow-from` in pdns.conf), and read the name server's log.",
    ),
    "dns_backend_api_untrusted": (
        "error", "The API's certificate is not trusted",
        "No encrypted connection comes about, so the key was not sent.",
        "Correct the API's certificate, or name the CA's certificates as the backend's CA bundle.",
    ),
    "dns_backend_api_redirects": (
        "error", "The API sends on to elsewhere",
        "Redirects are not followed, for the key would be sent along.",
        "Enter the address at which the API itself answers.",
    ),
    "dns_backend_api_too_large": (
        "error", "The API's answer is too large",
        "More came than any zone of a hosting server needs, so it was not read to its end.",
        "Check the API URL; for a zone of that size use the backend rfc2136.",
    ),
    "dns_backend_api_bad_answer": (
        "error", "The API's answer can't be used",
        "It is not what this API answers with: another program may be there, or a proxy's page of its own.",
        "Check the API URL, and ask it yourself with the same key.",
    ),
    # --- zones by a script
    "dns_backend_script_unsafe": (
        "error", "The script is not safe to run",
        "It runs as root or an account of this host, so nobody else may be able to change it, or what leads to it.",
        "Give the script and every directory above it to root, without write permission for group and others.",
    ),
    "dns_backend_script_failed": (
        "error", "The script failed",
        "It ended with an exit status other than 0; the message has the last that it wrote.",
        "Run the command of the message by hand, as the account that the backend names.",
    ),
    "dns_backend_challenges_only": (
        "error", "This backend answers challenges only",
        "It can put a TXT value at the place of a challenge, and nothing else anywhere.",
        "Add the record by hand, or set up another backend for the zone.",
    ),
    # --- zones by services
    "dns_backend_extra_missing": (
        "error", "A library for the DNS backend is missing",
        "It is not installed along with this program, for most hosts don't need it.",
        "Run the command that the message gives, and start the panel anew.",
    ),
    "dns_backend_denied": (
        "error", "The DNS service refuses the credentials",
        "They are wrong, not allowed to change this zone, or the zone is not in that account.",
        "Compare the backend's options with what the service shows for the zone's account.",
    ),
    "dns_backend_service_failed": (
        "error", "The DNS service did not do it",
        "The message has what the service, or the library that speaks to it, says of the reason.",
        "Correct what the message names; where the service can't do it, add the record by hand.",
    ),
    "dns_backend_kind_unsupported": (
        "error", "This kind of record can't be written at the service",
        "The library that speaks to the DNS service is not known to write it there as it has to be.",
        "Add the record by hand at the service.",
    ),
    "dns_backend_replaces": (
        "error", "The DNS service took other values away",
        "Beside what was changed, other values of the set went. They were put back.",
        "Make the change by hand, or answer challenges elsewhere, by a CNAME at _acme-challenge.",
    ),
    "dns_backend_full": (
        "warning", "There is no room for another value",
        "The service keeps only so many values at a name; one more would push out an answer that the CA waits for.",
        "It is tried again with the next check. Give each name a delegation of its own if that goes on.",
    ),
}
