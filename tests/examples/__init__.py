"""The scripts of `examples/`, run as a user runs them."""
