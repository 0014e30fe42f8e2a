"""The one seam to conductor-python's objects: sdk.py, workflow.py, settings.py, tasks.py, context.py,
events.py, workers.py. Without conductor-python, or before it is imported, nothing here finds anything.
"""
