"""Unmodified programs of conductor-python on this engine, each in a process of its own."""
