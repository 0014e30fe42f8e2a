"""The same functions on conductor-python, on ours and, without Python, on the floor client, against the same
server, in alternating rounds.

work.py (the functions), ours.py, sdk.py and bare.py are programs of their own, as are the server and the
floor client in ../server. scenarios.py, cases.py (the table), machine.py, processes.py, peers.py (SDKs of
other languages), measure.py and report.py are what ../report runs them with.
"""
