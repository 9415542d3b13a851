"""Exim with Debian's generated configuration, receiving mail on 25, and with TLS from the first byte on 465."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from jobs.demo.daemons import self_signed
from jobs.demo.daemons.starting import only_inside, run, start

PORTS = (25, 465)
_ETC = Path("/etc/exim4")
_CHOICES = """dc_eximconfig_configtype='internet'
dc_other_hostnames='{domains}'
dc_local_interfaces=''
dc_readhost=''
dc_relay_domains=''
dc_minimaldns='false'
dc_relay_nets=''
dc_smarthost=''
CFILEMODE='644'
dc_use_split_config='false'
dc_hide_mailname=''
dc_mailname_in_oh='true'
dc_localdelivery='mail_spool'
"""
_DEFAULTS = """QUEUERUNNER='combined'
QUEUEINTERVAL='30m'
SMTPLISTENEROPTIONS='{listen}'
"""
_MACROS = """MAIN_TLS_ENABLE = yes
tls_on_connect_ports = 465
"""


def start_exim(domains: Sequence[str]) -> None:
    """Receive mail for `domains`. The self-signed pair is the one that exim-gencert would make."""
    only_inside()
    certificate, key = _ETC / "exim.crt", _ETC / "exim.key"
    if not certificate.exists():
        self_signed.write(certificate, key, ["panel.bench.test"])
        shutil.chown(key, "root", "Debian-exim")
        key.chmod(0o640)
    listen = ["-oX", ":".join(map(str, PORTS)), "-oP", "/run/exim4/exim.pid"]
    (_ETC / "update-exim4.conf.conf").write_text(_CHOICES.format(domains=":".join(domains)), encoding="utf-8")
    (_ETC / "exim4.conf.localmacros").write_text(_MACROS, encoding="utf-8")
    Path("/etc/default/exim4").write_text(_DEFAULTS.format(listen=" ".join(listen)), encoding="utf-8")
    (_ETC / "exim4.conf").unlink(missing_ok=True)  # it would be read instead of the generated one
    run("update-exim4.conf")
    Path("/run/exim4").mkdir(exist_ok=True)
    shutil.chown("/run/exim4", "Debian-exim", "Debian-exim")
    start("exim", ["/usr/sbin/exim4", "-bd", "-q30m", *listen], PORTS)
