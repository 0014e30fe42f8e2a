"""One process: loop_thread.py, signals.py, worker_host.py, task_runner.py."""
