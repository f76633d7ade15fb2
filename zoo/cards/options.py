"""The options of a network in the JSON of its card."""

import json
from collections.abc import Mapping
from typing import Any


def options(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The options in the JSON of a card, which may go by numbers of channels."""
    text = json.dumps(fields.get("options", {}))
    read: dict[str, Any] = json.loads(text, object_hook=with_channel_counts)
    return read


def with_channel_counts(fields: dict[str, Any]) -> dict[Any, Any]:
    """JSON makes text of the channel counts that some hyper-parameters go by; undo it."""
    return {int(key) if key.isdecimal() else key: value for key, value in fields.items()}
