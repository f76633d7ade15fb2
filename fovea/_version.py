"""The release; the same as pyproject.toml's, which a test holds it to."""

__version__ = "0.1.0"
