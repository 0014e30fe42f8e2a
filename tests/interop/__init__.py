"""conductor-python's own objects, given to ours."""
