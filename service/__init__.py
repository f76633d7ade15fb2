"""The gateway: an image in, JSON out."""
