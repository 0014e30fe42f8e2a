"""Tests of conductor_fast; packages, so that two folders may hold a module of the same name."""
