"""One user function and its settings: binding.py, output.py, invoke.py, worker_interface.py, worker.py,
registry.py, worker_task.py, loader.py, registration.py, prepare.py.
"""
