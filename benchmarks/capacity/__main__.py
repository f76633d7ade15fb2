"""Size a deployment, measure what a sizing rests on, hold it against a measured run."""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tritonclient.utils import InferenceServerException

from benchmarks.capacity import batches, command
from benchmarks.capacity.figures import FiguresError
from benchmarks.capacity.sizing import ImpossibleError

RESULTS = Path(__file__).parents[1] / "results"


def main(arguments: list[str] | None = None) -> None:
    """Run the sub-command; what cannot be done is said on stderr, with exit status 1."""
    options = command.parser(RESULTS).parse_args(arguments)
    try:
        if options.what == "size":
            answer = command.size_from(options)
            print(json.dumps(asdict(answer)) if options.json else command.page(answer))
        elif options.what == "batches":
            times = asyncio.run(batches.measure(options.triton, options.model, options.seconds))
            print("--batch-ms", ",".join(f"{size}={ms:g}" for size, ms in times.items()))
        else:
            from benchmarks.capacity import foretold  # noqa: PLC0415 - imports torch

            foretold.run(options.repository, options.results, options.seconds, options.repeats)
    except (FiguresError, ImpossibleError, InferenceServerException) as error:
        sys.exit(f"capacity: {error}")


if __name__ == "__main__":
    main()
