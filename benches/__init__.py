"""How fast it is: compare/ against conductor-python, end to end; test_*.py, parts of ours."""
