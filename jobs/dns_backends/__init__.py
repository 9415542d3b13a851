"""Servers of DNS zones that we may write: one file each, found by the registry."""
