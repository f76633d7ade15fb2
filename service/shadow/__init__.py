"""Candidates that see the same images as the model in service, and what that tells of them."""
