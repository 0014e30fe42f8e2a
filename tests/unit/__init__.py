"""One file of the package at a time; the folders mirror it."""
