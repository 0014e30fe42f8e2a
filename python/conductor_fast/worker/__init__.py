"""One user function and its settings: binding.py, output.py, invoke.py, worker.py."""
