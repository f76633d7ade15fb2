"""How much is needed for a given load, on paper: `python -m benchmarks.capacity`."""
