"""What the user asked for, validated: configuration.py, environment.py, worker_config.py; no I/O."""
