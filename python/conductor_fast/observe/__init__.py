"""What operators see: endpoint.py (the metrics of this process by HTTP, in files), collector.py (in a registry of
prometheus_client).
"""
