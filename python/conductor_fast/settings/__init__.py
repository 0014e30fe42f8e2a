"""What the user asked for, validated: authentication_settings.py, proxy.py, configuration.py,
server_settings.py, metrics_settings.py, environment.py, worker_config.py; no I/O.
"""
