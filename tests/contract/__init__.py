"""One set of cases, answered by the dev server and by the real server, and compared."""
