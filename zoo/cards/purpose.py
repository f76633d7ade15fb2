"""The sections of a card that say what its weights are for and what they learnt from."""

from zoo.data.description import Data


def purpose(data: Data, use: str, drawn: str) -> str:
    """What weights are for and what they learnt from; ``use`` and ``drawn`` are of the signs."""
    if data.brought:
        use, drawn = "What its images stand for; whoever brought them knows.", ""
    return f"""## Intended use

{use}

## Data

{data}.
{drawn}""".rstrip()
