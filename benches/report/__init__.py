"""This package beside every other client of Conductor, on the benchmark's server and on the real one.

store.py (what is kept of a run, and its merging), ratios.py (which ratios may be drawn), svg.py and plots.py
(pictures), tables.py, page.py (docs/report.md, README.md), __main__.py. findings.md is written by people.
"""
