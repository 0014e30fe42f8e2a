"""The clients that read and finish tasks and workflows from outside a worker."""
