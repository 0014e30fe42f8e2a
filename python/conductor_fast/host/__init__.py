"""One process: signals.py, worker_host.py, task_runner.py."""
