"""One process: log_thread.py, exit_hook.py, loop_thread.py, event_thread.py, signals.py, registrar.py,
running_workers.py, lifetime.py, worker_host.py, task_runner.py, async_task_runner.py, task_handler.py.
"""
