"""Services that present certificates: one file each, found by the registry."""
