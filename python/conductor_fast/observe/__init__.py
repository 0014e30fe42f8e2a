"""What operators see of this process: endpoint.py (metrics by HTTP and in files), collector.py (metrics in a
registry of prometheus_client).
"""
