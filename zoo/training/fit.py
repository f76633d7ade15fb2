"""The training loop: warm-up and cosine, the best epoch by validation, and able to go on later."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from math import isfinite
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.optim import SGD, AdamW, Optimizer
from tqdm import tqdm

from zoo.schedules import Course
from zoo.training.checkpointing import RunError, RunFolder
from zoo.training.ema import Average
from zoo.training.epochs import Epoch, Run, best, finished
from zoo.training.progress import Progress

Batch = TypeVar("Batch")
Batch_co = TypeVar("Batch_co", covariant=True)


class Passes(Protocol[Batch_co]):
    """The training images in batches; each iteration is one pass over them."""

    generator: torch.Generator  # of all that is random about the batches

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch_co]: ...


def fit(  # noqa: PLR0913 - a loop is made of what it calls
    model: nn.Module,
    batches: Passes[Batch],
    loss_of: Callable[[Batch], Tensor],
    score_now: Callable[[], float],
    course: Course,
    *,
    folder: RunFolder | None = None,
) -> Run:
    """Train ``model`` in place and leave it at its best epoch; of equals the earliest wins.

    ``loss_of`` runs the model in training mode on one batch; ``score_now`` judges it after each
    epoch, with averaged weights where the course wants them. The same batches on the same machine
    give the same figures, whether the run was stopped and resumed from ``folder`` or not.

    Raises:
        RunError: the folder is of another or an unfinished run, or the loss is no number any more.
    """
    optimizer = _optimizer(model, course)
    average = Average(model, course.ema) if course.ema is not None else None
    progress = Progress(model, optimizer, batches.generator, average)
    if folder:
        folder.open(progress, course)
    done = len(progress.epochs)
    with tqdm(total=course.epochs, desc="train", unit="epoch", initial=done) as bar:
        while not finished(progress.epochs, course):
            model.train()
            loss = _epoch(batches, loss_of, progress, course)
            with average.in_place() if average else nullcontext():
                score = score_now()
                progress.record(Epoch(loss, score))
            if folder:
                folder.write(progress, course)
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}", validation=f"{score:.4f}")
    model.load_state_dict(progress.kept)
    return Run(tuple(progress.epochs), best(progress.epochs))


def _epoch(
    batches: Passes[Batch],
    loss_of: Callable[[Batch], Tensor],
    progress: Progress,
    course: Course,
) -> float:
    """One pass; the mean loss of its batches."""
    optimizer, parameters = progress.optimizer, list(progress.model.parameters())
    first, steps = len(progress.epochs) * len(batches) + 1, course.epochs * len(batches)
    total = 0.0
    for step, batch in enumerate(tqdm(batches, "batches", leave=False), first):
        for group in optimizer.param_groups:
            group["lr"] = course.learning_rate * course.rate(step / steps)
        with _precision(progress.device, course):
            loss = loss_of(batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if course.clip is not None:
            clip_grad_norm_(parameters, course.clip)
        optimizer.step()
        if progress.average:
            progress.average.update(step)
        total += loss.item()
        if not isfinite(total):
            raise RunError(
                f"the loss of step {step} of {steps} is {loss.item()}: training has diverged; "
                "lower the learning rate or clip the gradients"
            )
    return total / len(batches)


def _precision(device: torch.device, course: Course) -> torch.autocast | nullcontext[None]:
    """bfloat16 has float32's range, so that no loss must be scaled; a CPU gains nothing by it."""
    allowed = course.precision == "auto" and device.type == "cuda"
    if allowed and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def _optimizer(model: nn.Module, course: Course) -> Optimizer:
    groups = _groups(model, course.weight_decay)
    if course.optimizer == "adamw":
        return AdamW(groups, lr=course.learning_rate)
    return SGD(groups, lr=course.learning_rate, momentum=course.momentum, nesterov=True)


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Parameters of one dimension (norms, biases) are not decayed."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
