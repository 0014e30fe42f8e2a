"""The program `conductor-fast`, one file a command: samples.py, checks.py, demo.py, dev.py, run.py,
accelerate.py, main.py."""
