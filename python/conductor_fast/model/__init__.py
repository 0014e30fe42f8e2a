"""Values that tasks are made of: exceptions.py, plain.py, task_result.py, task.py, context.py."""
