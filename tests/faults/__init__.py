"""Faults of networks, proxies, servers and processes: rows.py says which test shows what."""
