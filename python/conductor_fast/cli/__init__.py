"""The program `conductor-fast`, one file a command: samples.py, checks.py, demo.py, dev.py, main.py."""
