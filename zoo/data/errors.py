"""The one mistake that this package reports."""


class DataError(ValueError):
    """Data that cannot be trained on; the message names the file or folder and the remedy."""
