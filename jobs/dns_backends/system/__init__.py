"""What backends share: the values of records as DNS has them, and one name server that is asked."""

from jobs.dns_backends.system.nameserver import Found, Nameserver, address_of
from jobs.dns_backends.system.values import held_by, means, rdata_of, value_of, zone_name, zone_of

__all__ = ["Found", "Nameserver", "address_of", "held_by", "means", "rdata_of", "value_of", "zone_name", "zone_of"]
