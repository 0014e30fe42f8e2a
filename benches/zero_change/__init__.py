"""An unmodified application with and without `conductor-fast accelerate`, in alternating rounds.

application.py, drop_in.py, cpu_bound.py and dev_server.py are programs of their own; servers.py, tree.py,
measure.py, report.py and __main__.py are the one that runs them.
"""
