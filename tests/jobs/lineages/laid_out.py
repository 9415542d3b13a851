"""Directories of other clients as the real ones lay them out: certbot 2.1.0 of Debian 12, and acme.sh by its
documentation (it is not in Debian)."""

from __future__ import annotations

from pathlib import Path

from jobs.policy.certificate import Bundle

SERVER = "https://acme-v02.api.letsencrypt.org/directory"
_RENEWAL = """# renew_before_expiry = 30 days
version = 2.1.0
archive_dir = {directory}/archive/{name}
cert = {directory}/live/{name}/cert.pem
privkey = {directory}/live/{name}/privkey.pem
chain = {directory}/live/{name}/chain.pem
fullchain = {directory}/live/{name}/fullchain.pem

# Options used in the renewal process
[renewalparams]
account = 6ff2f792bc976d3a35923b1bd74a612a
server = {server}
authenticator = webroot
webroot_path = /var/www/html,
key_type = ecdsa
[[webroot_map]]
{name} = /var/www/html
"""
_DOMAIN = """Le_Domain='{name}'
Le_Alt='no'
Le_Webroot='/var/www/html'
Le_PreHook=''
Le_PostHook=''
Le_RenewHook=''
Le_API='{server}'
Le_Keylength='ec-256'
Le_OrderFinalize='https://ca.test/finalize/1/2'
Le_LinkCert='https://ca.test/cert/3'
Le_CertCreateTime='1787727888'
Le_CertCreateTimeStr='2026-08-26T07:04:48Z'
Le_NextRenewTimeStr='2026-09-24T07:04:48Z'
Le_NextRenewTime='1790233488'
Le_RealCertPath=''
Le_RealCACertPath=''
Le_RealKeyPath='/etc/nginx/certs/{name}.key'
Le_ReloadCmd='__ACME_BASE64__START_c2VydmljZSBuZ2lueCByZWxvYWQ=__ACME_BASE64__END_'
Le_RealFullChainPath='/etc/nginx/certs/{name}.pem'
"""


def certbot(directory: Path, name: str, bundle: Bundle, version: int = 1, server: str = SERVER) -> Path:
    """A lineage whose `version`th certificate this is; returns its directory in `live`."""
    archive, live, renewal = directory / "archive" / name, directory / "live" / name, directory / "renewal"
    for path, mode in ((archive, 0o755), (live, 0o755), (renewal, 0o755)):
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    (directory / "live" / "README").write_text("This directory contains your keys and certificates.\n")
    contents = {
        "privkey": bundle.privkey, "cert": bundle.leaf, "chain": b"".join(bundle.chain[1:]),
        "fullchain": bundle.fullchain,
    }
    for kind, content in contents.items():
        file = archive / f"{kind}{version}.pem"
        file.write_bytes(content)
        file.chmod(0o600 if kind == "privkey" else 0o644)
        link = live / f"{kind}.pem"
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../archive/{name}/{file.name}")
    (renewal / f"{name}.conf").write_text(_RENEWAL.format(directory=directory, name=name, server=server))
    return live


def acme_sh(home: Path, name: str, bundle: Bundle, ecc: bool = True, server: str = SERVER) -> Path:
    """A certificate as acme.sh keeps it; returns its directory."""
    own = home / (f"{name}_ecc" if ecc else name)
    own.mkdir(mode=0o700, parents=True)
    (home / "ca" / "acme-v02.api.letsencrypt.org" / "directory").mkdir(parents=True, exist_ok=True)
    (home / "account.conf").write_text("LOG_FILE='/root/.acme.sh/acme.sh.log'\n")
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    for file, content in {
        f"{name}.key": parameters + bundle.privkey, f"{name}.cer": bundle.leaf,
        "ca.cer": b"".join(bundle.chain[1:]), "fullchain.cer": bundle.fullchain,
        f"{name}.csr": b"", f"{name}.conf": _DOMAIN.format(name=name, server=server).encode(),
    }.items():
        (own / file).write_bytes(content)
        (own / file).chmod(0o600 if file.endswith(".key") else 0o644)
    return own
