"""The response cache: the same bytes asked the same of the same model are answered once."""

from service.cache.cache import Cache

__all__ = ["Cache"]
