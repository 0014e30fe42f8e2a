"""One process: signals.py, registrar.py, worker_host.py, task_runner.py, task_handler.py."""
