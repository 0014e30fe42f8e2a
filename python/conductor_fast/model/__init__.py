"""Values that tasks are made of: exceptions.py, task_result.py, task.py, context.py; no I/O, no settings."""
