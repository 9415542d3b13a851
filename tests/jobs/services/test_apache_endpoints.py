"""Where a handshake reaches a vhost costs what the website's names cost, not all of Apache for each of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from jobs.policy import apache_config
from jobs.policy.apache_answers import Answers
from jobs.policy.apache_layout import landscape
from jobs.policy.apache_repoint import server
from jobs.services.httpd.view import View

VHOSTS = 50


def view(listen: str) -> View:
    lines = [f"Listen {listen}"]
    for number in range(VHOSTS):
        lines += [f"<VirtualHost *:443>\nServerName site{number}.test\nSSLEngine on\n</VirtualHost>"]
    text = "\n".join(lines)
    dump = "# In file: /etc/apache2/sites.conf\n" + "".join(
        f"# {number:>3}:\n{line}\n" for number, line in enumerate(text.splitlines(), 1)
    )
    tree = apache_config.parse_dump(dump)
    vhosts = apache_config.vhosts(tree)
    found: Any = mock.Mock(tree=tree, vhosts=vhosts, root=Path("/etc/apache2"))
    return View(found, landscape(vhosts, 80, 443), Answers(vhosts, 443), server(tree, {}), 443)


@pytest.mark.parametrize(("listen", "host"), [("443", "127.0.0.1"), ("192.0.2.7:443", "192.0.2.7")])
def test_all_that_apache_serves_is_looked_through_once_for_many_names(listen: str, host: str) -> None:
    seen = view(listen)
    with mock.patch.object(apache_config, "listens", wraps=apache_config.listens) as looked:
        reached = [one for number in range(VHOSTS) for one in seen.endpoints(f"site{number}.test", number)]
    assert {one.host for one in reached} == {host} and len(reached) == VHOSTS
    assert looked.call_count == 1
