"""What Prometheus and Grafana are given, and the program that writes the dashboards."""
