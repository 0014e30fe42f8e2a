"""Tests of conductor_fast.model."""
