"""A load generator in a process of its own: `python -m benchmarks.load` reads a plan on stdin."""
