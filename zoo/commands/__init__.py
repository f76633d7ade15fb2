"""The commands of `python -m zoo`, a module each."""
