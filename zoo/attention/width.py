"""The width of a mechanism's bottleneck: its channels divided by a reduction ratio."""


def squeezed(channels: int, ratio: int, *, argument: str) -> int:
    """``channels // ratio``.

    Raises:
        ValueError: nothing would be left; the message calls the ratio by ``argument``.
    """
    if not 1 <= ratio <= channels:
        raise ValueError(
            f"{argument} is {ratio}; with {channels} channels it must lie between 1 and {channels}"
        )
    return channels // ratio
