"""A private, throw-away host on this very machine: the demo of the product, and the bench of its end-to-end tests."""
