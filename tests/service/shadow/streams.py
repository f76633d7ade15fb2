"""Images that two made-up classifiers see, and the tally of them."""

from dataclasses import dataclass

import numpy as np

from contract.recipe import Task
from service.shadow.agreement import Agreement
from service.shadow.tally import Tally

TIMED_EVERY = 4


@dataclass(frozen=True, kw_only=True)
class Stream:
    """How right two models are, and how long they take; no two are wrong alike."""

    ours: float = 0.9  # the primary's accuracy
    theirs: float = 0.9  # the candidate's
    labelled: float = 1.0  # share of images of known truth
    errors: float = 0.0  # share that the candidate cannot answer
    slowdown: float = 1.0
    timed: bool = True

    def feed(self, tally: Tally, images: int, rng: np.random.Generator) -> Tally:
        """The tally after ``images`` more."""
        ours, theirs = rng.random(images) < self.ours, rng.random(images) < self.theirs
        known, failed = rng.random(images) < self.labelled, rng.random(images) < self.errors
        seconds = rng.lognormal(-4, 0.4, images)  # what an image takes, whoever looks at it
        noise = rng.lognormal(0, 0.1, (2, images))
        for i in range(images):
            if failed[i]:
                tally.errors += 1
                continue
            agrees = bool(ours[i] and theirs[i])
            tally.add(
                Agreement(
                    task=Task.CLASSIFICATION, agrees=agrees, share=float(agrees), distance=0.1
                )
            )
            if known[i]:
                tally.add_truth(bool(ours[i]), bool(theirs[i]))
            if self.timed and i % TIMED_EVERY == 0:
                first, second = seconds[i] * noise[:, i]
                tally.add_times(first, second * self.slowdown)
        return tally

    def tally(self, images: int, seed: int = 0) -> Tally:
        """That of ``images`` from the start."""
        return self.feed(Tally(Task.CLASSIFICATION), images, np.random.default_rng(seed))
