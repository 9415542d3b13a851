"""What can be wrong with one name: DNS and the HTTP self-check."""

from __future__ import annotations

from jobs.policy.problem_entries.entry import Entry

NAMES: dict[str, Entry] = {
    "name_invalid": (
        "error", "Not a valid name",
        "A host name that no CA can certify stands in a website's configuration, or a name given to something here "
        "holds characters that it must not have.",
        "Write it as the message says; a website's name is corrected in its configuration, or excluded.",
    ),
    "wildcard_needs_dns": (
        "error", "A wildcard needs validation by DNS",
        "CAs validate a wildcard only by a TXT record in its zone, which this host can't write.",
        "List the host names one by one instead of the wildcard.",
    ),
    # --- DNS
    "dns_nxdomain": (
        "error", "The name does not exist in DNS",
        "No name server knows it, so nobody can reach the website by it and no CA can validate it.",
        "Add an A or AAAA record that points to this host, or take the name off the website.",
    ),
    "dns_no_address": (
        "error", "The name has no address",
        "It exists in DNS, but has no A or AAAA record of a host.",
        "Add an A or AAAA record that points to this host.",
    ),
    "dns_cname_loop": (
        "error", "CNAME records in a circle",
        "Following the name's CNAME records leads back to where it began, or never ends.",
        "Let the last CNAME record of the chain point to a name with an address.",
    ),
    "dns_servfail": (
        "error", "The zone's name servers fail",
        "The servers that should know the name answer with an error: often a zone that isn't loaded.",
        "Check the zone at its DNS provider; compare the name servers at the registrar with those of the zone.",
    ),
    "dns_dnssec_bogus": (
        "error", "The zone's DNSSEC signatures don't hold",
        "The zone's servers answer, but this host's resolver refuses what they say: a signature has expired or is "
        "missing, or the DS record at the registrar belongs to another key. CAs check signatures as well, and refuse.",
        "Sign the zone anew at its DNS provider and put its DS record at the registrar; or remove the DS record "
        "there, if the zone is to be unsigned.",
    ),
    "dns_lame": (
        "error", "No server that the zone is delegated to serves it",
        "The zone above names these servers for it, and each of them answers that it isn't responsible: often the "
        "zone was moved to another DNS provider, or was taken off this one.",
        "Name the servers of the present DNS provider at the registrar, or set the zone up on those that are named.",
    ),
    "dns_timeout": (
        "error", "No answer from DNS",
        "No server answered in time. Nothing is known about the name.",
        "Check that this host's resolver works and that the zone's name servers are up; it is tried again by itself.",
    ),
    "dns_half": (
        "warning", "One kind of address could not be looked up",
        "The lookup of either the A or the AAAA record failed; the other one gave an address.",
        "Check the zone: a CA may run into the same error.",
    ),
    "dns_servers_unreachable": (
        "warning", "The zone's own name servers can't be asked from here",
        "The answer comes from this host's resolver instead, and may be older than what a CA sees.",
        "Allow outgoing DNS (port 53, UDP and TCP) from this host, or name your resolvers in config.toml.",
    ),
    "dns_server_lame": (
        "warning", "One of the zone's name servers doesn't serve it",
        "The zone names it as one of its servers, but it answers with an error or says that it is not responsible. "
        "Who asks this one first gets its answer late, or none.",
        "Set the zone up on that server, or take the server off the zone and off the delegation at the registrar.",
    ),
    "dns_server_silent": (
        "warning", "One of the zone's name servers is silent",
        "It gives no answer to this host. Who asks this one first, a CA for instance, has to wait and ask another one.",
        "Start that server or open its port 53 (UDP and TCP); or take it off the zone and off the delegation.",
    ),
    "dns_server_slow": (
        "warning", "One of the zone's name servers is slow",
        "It took over a second to answer. A CA may not wait that long, and ask the next one.",
        "Look for what holds that server up, or take it off the zone and off the delegation at the registrar.",
    ),
    "dns_servers_disagree": (
        "warning", "The zone's name servers disagree",
        "They have different versions of the zone, and give different answers for this name: often a secondary server "
        "that gets no updates. What a CA finds depends on which of them it asks.",
        "See to it that every server gets the zone's latest version, or take the stale one off the delegation.",
    ),
    "dns_no_resolver": (
        "error", "This host has no DNS resolver",
        "/etc/resolv.conf names no server, so no name can be looked up.",
        "Put a nameserver line into /etc/resolv.conf, or set dns.resolvers in config.toml.",
    ),
    "address_loopback": (
        "warning", "The name points to the loopback address",
        "127.0.0.0/8 and ::1 mean the asking host itself: a public CA would ask itself.",
        "Point the name to this host's public address, unless this is a test installation.",
    ),
    "address_private": (
        "warning", "The name points to a private address",
        "Hosts on the Internet, a public CA among them, can't reach it.",
        "Point the name to this host's public address.",
    ),
    "address_inside": (
        "error", "The name leads to a private address",
        "It is an address of an inner network or of the asking host itself, which the Internet can't reach and at "
        "which no website of this server answers.",
        "Point the name to this host's public address. What answered there is told to you only, not to its owner.",
    ),
    "address_unusable": (
        "warning", "An address that no host can have",
        "One of the name's records holds a link-local, multicast or reserved address. It was left out.",
        "Remove that record.",
    ),
    "stray_aaaa": (
        "warning", "IPv6 leads nowhere",
        "Nobody answers at the name's IPv6 address. A CA tries it first, and then goes on to IPv4.",
        "Correct or remove the AAAA record, or let the web server listen on IPv6.",
    ),
    "stray_address": (
        "warning", "One of the addresses is silent",
        "The name has several addresses and nobody answers at one of them. A CA that picks that one fails.",
        "Remove the record of the silent address, or let the web server listen there.",
    ),
    "ipv6_elsewhere": (
        "error", "By IPv6 somebody else answers",
        "By IPv4 the name leads to this host, by IPv6 to another server or another website. CAs try IPv6 first, and "
        "take the first answer that they get.",
        "Correct or remove the name's AAAA record, or let the web server here answer for the name by IPv6 as well.",
    ),
    # --- HTTP
    "http_connection_refused": (
        "error", "Nobody listens on port 80",
        "The name's address refuses connections on the port at which CAs validate.",
        "Start the web server, let it listen on port 80, and check that the address is this host's.",
    ),
    "http_no_route": (
        "error", "The address can't be reached from here",
        "This host has no network route to the name's address: often an IPv6 address on a host without IPv6.",
        "Point the name to an address of this host.",
    ),
    "http_connection_lost": (
        "error", "The connection broke off",
        "The address took the connection or was about to, but it ended before there was an answer.",
        "Look into the log of the web server or firewall at that address.",
    ),
    "http_timeout": (
        "error", "No answer on port 80 in time",
        "The address doesn't take connections on port 80, or sends nothing: often a firewall, or another host.",
        "Open port 80 in the firewall and check that the address is this host's.",
    ),
    "http_too_slow": (
        "error", "The answer comes too slowly",
        "Somebody began to answer, but had not sent the whole answer after ten seconds. CAs wait no longer.",
        "Look for what holds up that server's answers: a limit of its speed, or a page that is made anew each time.",
    ),
    "http_hairpin_nat": (
        "warning", "This host can't look at itself from outside",
        "The name points to a public address, and this host, which stands behind a router, gets no answer there. Many "
        "routers don't let a host reach its own public address. A CA comes from outside, and may get through.",
        "Check from outside that port 80 of the address leads to this host.",
    ),
    "http_cdn_in_front": (
        "error", "A CDN or proxy answers in front of this host",
        "The name leads to a service that stands in front of the website, and that didn't pass the question on.",
        "Let the CDN pass /.well-known/acme-challenge/ to this host unchanged, or have the name validated by DNS.",
    ),
    "http_other_server": (
        "error", "The name points to another server",
        "Somebody answers at the name's address, but that is none of this host's addresses.",
        "Point the name's A and AAAA records to this host: the message says which address is expected.",
    ),
    "http_bad_answer": (
        "error", "The answer on port 80 is not HTTP",
        "Something other than a web server listens at the address, or the answer broke off.",
        "Check what listens on port 80 at that address.",
    ),
    "http_status": (
        "error", "The challenge file is not served",
        "A web server answered, but with a status other than 200. If it isn't this host's, the name points elsewhere.",
        "Check that the name points to this host, and that `autossl setup` has been run since the web server changed.",
    ),
    "http_wrong_content": (
        "error", "Another website answers for the challenge",
        "Status 200, but not the content that was put there: an application or another host answers for every path.",
        "Check that the name points to this host, for IPv4 and IPv6, and that no proxy in front answers by itself.",
    ),
    "http_too_large": (
        "error", "The answer is far too large",
        "A challenge answer is some 90 bytes; this one is a page or a download. CAs don't read on.",
        "Check that the name points to this host, and that no application answers for every path.",
    ),
    "http_redirect_refused": (
        "error", "Redirected to where no CA goes",
        "CAs follow redirects only to host names, by http or https, on port 80 and 443.",
        "Correct the redirect, or leave paths below /.well-known/acme-challenge/ out of it.",
    ),
    "http_redirect_port": (
        "error", "Redirected to another port",
        "CAs follow redirects to port 80 (http) and port 443 (https), and to no other one.",
        "Redirect to the usual port, or leave paths below /.well-known/acme-challenge/ out of the redirect.",
    ),
    "http_redirect_internal": (
        "error", "Redirected into an internal network",
        "The redirect leads to a private, loopback or reserved address. A CA can't go there, and this host doesn't "
        "follow there either.",
        "Correct the redirect, or the DNS records of its host.",
    ),
    "http_redirect_loop": (
        "error", "Redirected in a circle",
        "The redirects lead back to a page that was asked before.",
        "Correct the redirects, or leave paths below /.well-known/acme-challenge/ out of them.",
    ),
    "http_too_many_redirects": (
        "error", "Redirected too often",
        "There are more redirects than the CA follows.",
        "Shorten the chain, or leave paths below /.well-known/acme-challenge/ out of it.",
    ),
    "http_redirect_unresolved": (
        "error", "Redirected to a host without an address",
        "The redirect leads to a name that has no address in DNS, or whose lookup failed.",
        "Correct the redirect, or the DNS records of its host.",
    ),
    "http_redirect_303": (
        "warning", "Redirected with status 303",
        "Public CAs follow only 301, 302, 307 and 308 (Baseline Requirements 3.2.2.4.19).",
        "Redirect with 301 or 302 instead.",
    ),
    "http_tls_failed": (
        "error", "The TLS handshake failed after a redirect",
        "The website redirects to https, and nothing there speaks TLS. The certificate itself doesn't matter here.",
        "Check what listens on port 443 at that address.",
    ),
}
