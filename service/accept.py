"""Which of two media types an Accept header would rather have (RFC 9110, section 12.5.1)."""

JSON = "application/json"
PNG = "image/png"


def wants_picture(accept: str) -> bool:
    """Whether PNG is preferred to JSON, which is the answer wherever the header leaves it open."""
    return _quality(accept, PNG) > _quality(accept, JSON)


def _quality(accept: str, media_type: str) -> float:
    """The weight of the most specific range that ``media_type`` falls in; 0 if there is none."""
    ranges = [media_type, media_type.partition("/")[0] + "/*", "*/*"]
    weights = dict(map(_weighed, accept.split(",")))
    return next((weights[name] for name in ranges if name in weights), 0.0)


def _weighed(item: str) -> tuple[str, float]:
    """A range and its weight; 1 where none is given, 0 where it cannot be read."""
    name, *parameters = (part.strip().lower() for part in item.split(";"))
    given = [text[2:] for text in parameters if text.startswith("q=")]
    try:
        weight = float(given[0]) if given else 1.0
    except ValueError:
        weight = 0.0
    return name, weight if 0 <= weight <= 1 else 0.0
