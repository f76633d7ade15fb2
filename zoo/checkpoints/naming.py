"""How published networks name the entries of their state, as rules over our names."""

import re
from collections.abc import Mapping

from zoo.checkpoints import reference_keys as keys

Rules = tuple[tuple[str, str], ...]
"""Regular expressions with their replacements, applied in order."""


def renamed(key: str, rules: Rules) -> str:
    """``key`` after all the rules."""
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key


def attribute(name: str) -> Rules:
    """A ResNet block keeps its attention in an attribute ``name``."""
    return ((r"\.attention\.", f".{name}."),)


def behind(norm: str) -> Rules:
    """A ResNet block keeps its attention in one sequence with ``norm``, the last of the branch."""
    return (rf"\.{norm}\.", f".{norm}.0."), (r"\.attention\.", f".{norm}.1.")


def words(ours_to_theirs: Mapping[str, str]) -> Rules:
    """The names inside a mechanism, from the table that serves it alone."""
    return tuple(
        (rf"\.{re.escape(ours)}\.", f".{theirs}.") for ours, theirs in ours_to_theirs.items()
    )


RESNET: Rules = ((r"^classifier\.0\.", "fc."), (r"^features\.", ""))
MOBILENET: Rules = ()  # ours are the published names
MOBILENET_WITH_DROPOUT: Rules = ((r"^classifier\.0\.", "classifier.1."),)

SIMAM: Rules = ((r"\.conv2\.", ".conv2.0."),)  # of a ResNet: one sequence with the attention
CBAM = words(keys.CBAM)
BAM: Rules = ((r"^features\.attention(\d)\.", r"bam\1."), *words(keys.BAM))

COORDINATE_MOBILENET: Rules = (  # one flat sequence a block, the last stage beside `features`
    (r"^features\.18\.", "conv."),
    (r"^(features\.1\.conv)\.2\.", r"\1.4."),
    (r"^(features\.1\.conv)\.1\.", r"\1.3."),
    (r"^(features\.(?!1\.)\d+\.conv)\.4\.", r"\1.8."),
    (r"^(features\.(?!1\.)\d+\.conv)\.3\.", r"\1.7."),
    (r"^(features\.(?!1\.)\d+\.conv)\.2\.", r"\1.6."),
    (r"^(features\.(?!1\.)\d+\.conv)\.1\.1\.", r"\1.4."),
    (r"^(features\.(?!1\.)\d+\.conv)\.1\.0\.", r"\1.3."),
    (r"^(features\.\d+\.conv)\.0\.", r"\1."),
    *words(keys.MOBILE_COORDINATE),
    *MOBILENET_WITH_DROPOUT,
)
