"""One user function and its settings: binding.py, plain.py, output.py, invoke.py, worker.py."""
