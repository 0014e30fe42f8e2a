"""Tests of conductor_fast.cli: what needs no process."""
