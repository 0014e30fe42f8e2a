"""The page for people, in a browser: browser.py drives it, picture.py takes the pictures of the README."""
