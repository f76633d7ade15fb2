"""Grafana dashboards, described in Python: `python -m monitoring.boards` writes their JSON."""
