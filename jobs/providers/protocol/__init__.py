"""The ACME protocol (RFC 8555) for every provider: transport, registration and the order flow.

PyPI `acme` and `josepy` give the objects, `cryptography` the signatures; retries, nonces, polling
and the order of steps are ours.
"""
