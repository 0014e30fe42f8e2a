"""The same worker on conductor-python and on ours, against the same server, in alternating rounds.

server.py, ours.py and sdk.py are programs of their own; machine.py, measure.py, report.py and
__main__.py are the one that runs them.
"""
