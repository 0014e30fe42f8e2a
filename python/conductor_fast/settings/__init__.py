"""What the user asked for, validated: configuration.py, worker_config.py; no I/O."""
