"""What the user asked for, validated: configuration.py, metrics_settings.py, environment.py,
worker_config.py; no I/O.
"""
