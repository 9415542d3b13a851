"""How the kinds of events are called, and what each means for who reads of it. Customers read these words too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from jobs.policy.notify import Kind

TITLES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.UNORDERED: "Certificates that can't be ordered",
        Kind.REDUCED: "Renewed with fewer names",
        Kind.INSTALL: "Certificates that could not be installed",
        Kind.SERVED: "Something else is served than is installed",
        Kind.TERMS: "The terms of a provider have changed",
        Kind.PROVIDER: "A provider issues nothing",
        Kind.HOST: "This server needs you",
        Kind.DEFERRED: "Renewals that are deferred",
        Kind.BLOCKED: "Failing names that keep others waiting",
        Kind.FOREIGN: "Certificates of others that are of no use",
        Kind.UNCOVERED: "Installed, but not for every name",
        Kind.INSTALLED: "Installed",
        Kind.TEST: "A test message",
    }
)

SHORT: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.UNORDERED: "no certificate can be ordered",
        Kind.REDUCED: "renewed with fewer names",
        Kind.INSTALL: "a certificate could not be installed",
        Kind.SERVED: "something else is served than is installed",
        Kind.TERMS: "terms have changed",
        Kind.PROVIDER: "the provider issues nothing",
        Kind.HOST: "this server needs you",
        Kind.DEFERRED: "the renewal is deferred",
        Kind.BLOCKED: "a failing name keeps others waiting",
        Kind.FOREIGN: "a certificate of somebody else's is of no use",
        Kind.UNCOVERED: "installed, but not for every name",
        Kind.INSTALLED: "a certificate was installed",
        Kind.TEST: "a test message",
    }
)
"""In a subject, behind what it is about."""

MEANINGS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.UNORDERED: "Unless this changes, these websites have no valid certificate, and visitors get a warning.",
        Kind.REDUCED: "There was no more time to wait for names that failed, so the certificate was renewed without"
        " them. Visitors of these names get a warning.",
        Kind.INSTALL: "The certificate is there, but a service does not present it. What it presented before was put"
        " back, and goes on being served.",
        Kind.SERVED: "A connection to the service showed another certificate than the one that was installed there.",
        Kind.TERMS: "The provider issues nothing before the new terms are agreed to. Certificates in use stay.",
        Kind.PROVIDER: "Orders go to the next provider of the list, if there is one, or wait and are tried again by"
        " themselves. Certificates in use stay.",
        Kind.HOST: "It concerns the whole server.",
        Kind.DEFERRED: "A name that is secured now would be lost by a renewal. There is time left, so it is waited for"
        " until shortly before the end of the certificate; then the certificate is renewed without that name.",
        Kind.BLOCKED: "A name that is secured now would be lost, so the certificate stays as it is, and new names have"
        " to wait.",
        Kind.FOREIGN: "They were not issued by AutoSSL, so they are left alone: visitors get a warning, or will soon.",
        Kind.UNCOVERED: "A certificate was installed that covers the other names of the website.",
        Kind.INSTALLED: "New certificates are in use. There is nothing that you have to do.",
        Kind.TEST: "Whoever gets this gets what AutoSSL has to tell. There is nothing that you have to do.",
    }
)

HEADINGS: Mapping[Kind, str] = MappingProxyType({Kind.TEST: "It works"})
"""Of an entry that is about no website, instead of the problem's own title."""
