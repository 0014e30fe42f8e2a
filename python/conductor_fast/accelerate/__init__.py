"""Unmodified applications of conductor-python on this engine: sdk_module.py, refusal.py, sigterm.py,
engine.py, process.py, task_handler.py, task_runner.py, patches.py, program.py.

`install()` puts this engine under the SDK's `TaskHandler`, `TaskRunner` and `AsyncTaskRunner`; what the
command `conductor-fast accelerate` does before it runs a program.
"""

from conductor_fast.accelerate.patches import install as install
