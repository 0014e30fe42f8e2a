"""Programs that host workers beside other work: a web application, a notebook."""
