"""What can be wrong with the zones that this host may change, with its DNS backends, and with validation by DNS."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

DNS: dict[str, Entry] = {
    # --- plug-ins and their options
    "plugin_unknown": (
        "error", "No such plug-in",
        "Neither a DNS backend nor a notifier of this installation has this name.",
        "See `autossl plugin list`.",
    ),
    "zone_not_served": (
        "error", "No DNS backend serves this zone",
        "Records can only be written where a backend that is in use holds the zone.",
        "Set one up under Options, or by `autossl plugin set`; see `autossl dns zones`.",
    ),
    # --- validation by DNS (dns-01)
    "dns01_not_served": (
        "error", "No DNS backend serves the challenge's zone",
        "A value has to stand at _acme-challenge of the name, in a zone that this host can't change.",
        "Set up a DNS backend for the zone, or let a CNAME lead into a zone that one serves.",
    ),
    "dns01_zone_not_yours": (
        "error", "The zone is not known to be the name's own",
        "Records are only written for names of the account that has the zone: its website is at the zone's top and "
        "leads here, or an administrator gave the domain to it. A CNAME may lead to the one name that is kept for it.",
        "Let the name lead to this host, set the CNAME that the name's page shows, or give the domain to the account "
        "(`autossl dns assign DOMAIN ACCOUNT`).",
    ),
    "dns01_lookup_failed": (
        "error", "The place of the challenge can't be looked up",
        "DNS gave no answer about _acme-challenge of the name.",
        "Check the zone's name servers.",
    ),
    "dns01_cname_loop": (
        "error", "The challenge's CNAME leads nowhere",
        "_acme-challenge of the name is a CNAME that runs in a circle, or to something that is no name.",
        "Correct or remove that CNAME record.",
    ),
    "dns01_delegated_elsewhere": (
        "error", "The challenge's CNAME leads to a zone elsewhere",
        "_acme-challenge of the name is a CNAME into a zone that no DNS backend of this host serves.",
        "Let that CNAME lead into the challenge zone (see `autossl dns show`), or remove it where this host serves"
        " the name's own zone.",
    ),
    "dns01_wildcard_only": (
        "error", "The name exists only through a wildcard record",
        "Validation by DNS would make the name exist by itself for a moment, without an address: it would be down.",
        "Give the name an A or AAAA record of its own, or let it be validated by HTTP.",
    ),
    "dns01_not_everywhere": (
        "error", "Not every name server shows the value",
        "A CA asks any of the zone's servers, and one of them still has the zone as it was.",
        "Check that the zone is transferred to the server that the message names.",
    ),
    "dns01_server_silent": (
        "error", "No name server of the zone answers",
        "Whether the value can be seen can't be told: not one of them shows it.",
        "Check the zone's name servers, and that this host may ask them (port 53, UDP and TCP).",
    ),
    "dns01_server_lame": (
        "error", "A name server that is not responsible for the zone",
        "The zone names a server that does not serve it (a lame delegation), and no other one shows the value.",
        "Let that server serve the zone, or take it out of the zone's NS records.",
    ),
    "dns01_server_aside": (
        "warning", "A name server was left aside",
        "It does not answer, or does not serve the zone, while another one shows the value. A CA that asks it loses"
        " time, and goes on to another one.",
        "Check the server that the message names, or take it out of the zone's NS records.",
    ),
    "zone_servers_unknown": (
        "error", "The zone's name servers have no address",
        "Nobody could be asked whether the value can be seen.",
        "Check the NS records of the zone and the addresses of their hosts.",
    ),
    "dns_record_left": (
        "warning", "A value of ours could not be taken away",
        "It was put into a zone that no DNS backend serves any more.",
        "Remove it by hand; the message names it. `autossl dns records` lists what is left.",
    ),
    # --- dns-persist-01: a lasting record, which is only shown and looked at
    "persist_missing": (
        "warning", "No lasting record for the provider",
        "By dns-persist-01 a CA validates a name by one TXT record that stays; none that names this CA is there.",
        "Add the record that is shown, wherever the name's DNS is; then nothing has to be done at renewals.",
    ),
    "persist_malformed": (
        "warning", "The lasting record is malformed",
        "A CA passes over a record that is not written exactly as it expects.",
        "Replace it by the record that is shown.",
    ),
    "persist_other_account": (
        "warning", "The lasting record is for another account",
        "It names the CA, but not the account by which this host orders; an account that was made anew is another one.",
        "Replace it by the record that is shown, or put that one beside it.",
    ),
    "persist_no_wildcard": (
        "warning", "The lasting record does not allow a wildcard",
        "A wildcard is validated by the record of its base name, if that says policy=wildcard.",
        "Replace it by the record that is shown.",
    ),
    "persist_ended": (
        "warning", "The lasting record has ended",
        "Its persistUntil is over, so that the CA takes it no more.",
        "Give it a later persistUntil, or none.",
    ),
    "persist_ends_soon": (
        "warning", "The lasting record ends soon",
        "Its persistUntil is less than 30 days away; after it the CA takes the record no more.",
        "Give it a later persistUntil, or none, before it ends.",
    ),
}
