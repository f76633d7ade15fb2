"""Several models on one image, side by side: read and decoded once, asked at the same time."""

from service.comparing.comparing import Comparing

__all__ = ["Comparing"]
