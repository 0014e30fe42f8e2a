"""Values that tasks are made of, without I/O: exceptions.py, plain.py, task_result.py, task.py,
context.py.
"""
