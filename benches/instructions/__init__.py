"""Instructions per task of split, write, decode and encode: a figure that noise cannot move."""
