"""The model zoo: networks by name, their training on the demo task, and their export."""

from zoo.networks import create

__all__ = ["create"]
