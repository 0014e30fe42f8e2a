"""One user function and its settings: mismatch.py, hints.py, shapes.py, scalars.py, records.py,
annotations.py, converter.py, containers.py, libraries.py, compile.py, binding.py, output.py, invoke.py,
worker.py, draft07.py, schema.py."""
