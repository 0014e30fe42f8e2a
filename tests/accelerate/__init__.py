"""Applications written for conductor-python, as they are, on its own engine and on ours."""
