"""Sources of accounts and websites: one file each, found by the registry."""
