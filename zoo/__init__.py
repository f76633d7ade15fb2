"""The model zoo: networks by name, their training on the demo task, and their export."""

from zoo.classifiers import create

__all__ = ["create"]
