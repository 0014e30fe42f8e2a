"""The same on conductor-python and on ours."""
