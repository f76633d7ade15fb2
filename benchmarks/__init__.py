"""Measurements of the served path; `python -m benchmarks` runs them."""
