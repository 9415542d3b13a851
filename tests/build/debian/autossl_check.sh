#!/bin/sh
# autossl_check, with the places of this package unless the environment names others.
export AUTOSSL_INSTANCE="${AUTOSSL_INSTANCE:-/var/lib/autossl}"
export AUTOSSL_CONFIG="${AUTOSSL_CONFIG:-/etc/autossl/config.toml}"
exec /usr/lib/autossl/venv/bin/autossl_check "$@"
