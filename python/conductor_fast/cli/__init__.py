"""The program `conductor-fast`, one file a command: logs.py, samples.py, checks.py, demo.py, dev.py, run.py,
main.py."""
