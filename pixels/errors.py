"""Why a file gives no pixels; each message is a whole sentence about the file."""


class UnreadableError(Exception):
    """No image, a broken one, a kind that is not read, or one made to be costly.

    Attributes:
        remedy: what to do about it, where there is more to say than "bring another file".
    """

    def __init__(self, detail: str, *, remedy: str = "") -> None:
        super().__init__(detail)
        self.remedy = remedy


class TooLargeError(Exception):
    """An image over the limits.

    Attributes:
        limits: of ``pixels.limits.Limits``, by name: those that it was held against.
    """

    def __init__(self, detail: str, **limits: int) -> None:
        super().__init__(detail)
        self.limits = limits
