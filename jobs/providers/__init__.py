"""Certificate authorities: one file each, found by the registry."""
