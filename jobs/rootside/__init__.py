"""Privilege separation: the side that runs as root, and how the other one asks it.

The panel, the clock and the workers run as a user without rights. What needs root is done by a process of its own
(`autossl root`), which offers the verbs of `verbs.py` over a Unix socket and nothing else. It believes nothing that it
is told: `jobs/policy/root_contract.py` judges names, certificates and records by what this host itself says.
"""
