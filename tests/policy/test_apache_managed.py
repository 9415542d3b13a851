"""Which certificate mod_md gives to a vhost that names none."""

from __future__ import annotations

import pytest

from jobs.policy.apache_config import parse_dump, vhosts
from jobs.policy.apache_managed import managed

VHOST = """# In file: /etc/apache2/sites-enabled/a.conf
#   9:
<VirtualHost *:443>
#  10:
  ServerName a.test
#  11:
  ServerAlias www.a.test
#  12:
  SSLEngine on
#  13:
</VirtualHost>
"""


def paths(before: str) -> list[str]:
    tree = parse_dump(f"# In file: /etc/apache2/conf-enabled/md.conf\n{before}{VHOST}")
    (vhost,) = vhosts(tree)
    return list(managed(tree, vhost))


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("#   1:\nMDomain a.test www.a.test\n", ["md/domains/a.test/pubcert.pem"]),
        ("#   1:\nMDomain other.test WWW.a.test auto\n", ["md/domains/other.test/pubcert.pem"]),
        ("#   1:\nMDStoreDir /srv/md\n#   2:\nMDPrivateKeys secp384r1 rsa2048\n#   3:\nMDomain a.test\n",
         ["/srv/md/domains/a.test/pubcert.pem", "/srv/md/domains/a.test/pubcert.secp384r1.pem",
          "/srv/md/domains/a.test/pubcert.rsa2048.pem"]),
        ("#   1:\nMDomain strange.test\n", []),
        ("#   1:\nMDomain ../../../root a.test\n", []),
        ("", []),
    ],
    ids=["its own", "by an alias", "elsewhere and of other kinds", "another's", "no name", "no mod_md"],
)
def test_a_vhost_has_the_certificate_of_the_managed_domain_that_its_names_are_of(before: str, found: list[str]) -> None:
    assert paths(before) == found
