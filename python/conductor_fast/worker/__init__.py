"""One user function and its settings: mismatch.py, hints.py, shapes.py, scalars.py, records.py,
annotations.py, converter.py, containers.py, libraries.py, compile.py, binding.py, output.py, invoke.py,
draft07.py, schema.py, worker_interface.py, worker.py, registry.py, worker_task.py, loader.py,
registration.py, adopted.py, prepare.py.
"""
