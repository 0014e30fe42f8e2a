"""Tests against the real Conductor server, and the fixture that starts it."""
