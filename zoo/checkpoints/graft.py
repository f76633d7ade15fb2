"""What a plain network's weights become when attention is put into it."""

from collections import defaultdict
from collections.abc import Iterable

from torch import nn


def kept_entries(
    plain: nn.Module, network: nn.Module, attention: type[nn.Module]
) -> dict[str, str]:
    """The plain network's state keys, by those of the same network with ``attention`` in it.

    Attention shifts the indices inside a block but keeps the order of what was there; a block
    that it replaces has no entries left.
    """
    inside = tuple(f"{name}." for name, m in network.named_modules() if isinstance(m, attention))
    ours = _by_block(key for key in network.state_dict() if not key.startswith(inside))
    return {
        key: plain_key
        for block, plain_keys in _by_block(plain.state_dict()).items()
        if block in ours
        for key, plain_key in zip(ours[block], plain_keys, strict=True)
    }


def _by_block(keys: Iterable[str]) -> dict[str, list[str]]:
    """Keys by their first three parts, such as ``features.4.conv`` or ``features.layer2.0``."""
    blocks = defaultdict(list)
    for key in keys:
        blocks[".".join(key.split(".")[:3])].append(key)
    return blocks
