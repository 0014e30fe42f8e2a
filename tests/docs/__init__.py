"""The code in README.md and docs/, taken from the files as it stands and run."""
