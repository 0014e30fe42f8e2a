"""The rules of the source tree, each a function from a root folder to the places that break it."""
