"""Tasks and workflows from outside a worker: token_thread.py, call.py, connection.py, json_body.py,
task_calls.py, task_client.py, workflow_calls.py, workflow_client.py, metadata_calls.py.
"""
