"""Tests of conductor_fast.settings."""
