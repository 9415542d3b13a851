"""The parts of the panel's own HTTPS server: sockets, certificates by name, connections."""
