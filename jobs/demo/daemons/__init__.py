"""The daemons of a private host, one module each. All of them run inside one only, on their real ports and paths."""
