"""The program `conductor-fast`, one file a command: logs.py, live_view.py, samples.py, checks.py,
metrics_port.py, demo.py, dev.py, run.py, accelerate.py, spool.py, bench_clients.py, bench_sdk.py,
bench_server.py, bench_tree.py, bench_run.py, bench.py, main.py.
"""
