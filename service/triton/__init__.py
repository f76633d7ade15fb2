"""The one package that knows Triton's protocol; it turns Triton's failures into ours."""

from service.triton.backend import TritonBackend

__all__ = ["TritonBackend"]
