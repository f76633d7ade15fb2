"""The loop's options: optimizers, averaged weights, clipping, patience, and the learning curve."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO

import pytest
import torch
from PIL import Image
from torch import nn

from zoo.schedules import Course, Schedule
from zoo.training.checkpointing import RunError
from zoo.training.curve import draw_curve
from zoo.training.ema import Average
from zoo.training.epochs import Epoch, Run
from zoo.training.fit import fit

COURSE = Course(epochs=3, batch_size=1, learning_rate=0.1, warmup_epochs=1.0, weight_decay=0.0)


class Thrice:
    """Three batches a pass, of ones unless told otherwise."""

    def __init__(self, batches: Sequence[torch.Tensor] = (torch.ones(1, 2),) * 3) -> None:
        self.batches = batches
        self.generator = torch.Generator()

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(self.batches)


def line() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(2, 1)


def fitted(course: Course, scores: list[float] | None = None, scale: float = 1.0) -> Run:
    """The course of fitting a line to the answer 3."""
    model = line()
    given = iter(scores or range(course.epochs))

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return scale * (model(batch) - 3).square().mean()

    return fit(model, Thrice(), loss_of, lambda: next(given), course)


def weights_after(course: Course, scale: float = 1.0) -> torch.Tensor:
    """The weights that the first epoch of the line ends with."""
    model = line()
    seen: list[torch.Tensor] = []

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return scale * (model(batch) - 3).square().mean()

    def look() -> float:
        seen.append(model.weight.detach().clone())
        return 1.0

    fit(model, Thrice(), loss_of, look, course)
    return seen[0]


def by_hand(optimizer: torch.optim.Optimizer, model: nn.Linear, clip: float | None = None) -> None:
    """One epoch of COURSE: its warm-up, so that the rate rises by a third a step."""
    for step in (1, 2, 3):
        optimizer.param_groups[0]["lr"] = 0.1 * step / 3
        optimizer.zero_grad()
        (model(torch.ones(1, 2)) - 3).square().mean().backward()
        if clip:
            norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
            for parameter in model.parameters():
                parameter.grad *= min(1.0, clip / norm)
        optimizer.step()


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_the_optimizers_are_those_of_torch(name: str, clip: float | None) -> None:
    model = line()
    optimizer = {
        "adamw": lambda: torch.optim.AdamW(model.parameters(), 0.1, weight_decay=0.0),
        "sgd": lambda: torch.optim.SGD(model.parameters(), 0.1, momentum=0.8, nesterov=True),
    }[name]()
    by_hand(optimizer, model, clip)
    course = replace(COURSE, optimizer=name, momentum=0.8, clip=clip)
    torch.testing.assert_close(weights_after(course), model.weight.detach())


def test_the_average_warms_up_and_keeps_its_decay() -> None:
    model = line()
    average = Average(model, decay=0.2)
    wanted = model.weight.detach().clone()
    for step, decay in ((1, 2 / 11), (2, 0.2), (3, 0.2)):  # (1 + 2) / (10 + 2) is above 0.2
        with torch.no_grad():
            model.weight += step
        average.update(step)
        wanted = decay * wanted + (1 - decay) * model.weight.detach()
    own = model.weight.detach().clone()
    with average.in_place():
        torch.testing.assert_close(model.weight.detach(), wanted)
    assert torch.equal(model.weight, own)


def test_averaged_weights_are_judged_and_kept_with_the_statistics_of_their_norms() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))
    judged: list[dict[str, torch.Tensor]] = []

    def look() -> float:
        judged.append({name: value.clone() for name, value in model.state_dict().items()})
        return -len(judged)  # the first is the best

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return model(batch)[:, 0].exp().mean()

    batches = Thrice([torch.randn(5, 2) for _ in range(3)])
    fit(model, batches, loss_of, look, replace(COURSE, ema=0.9))
    assert all(torch.equal(value, judged[0][name]) for name, value in model.state_dict().items())
    assert int(model[1].num_batches_tracked) == 3


def test_patience_ends_a_run_that_does_not_get_better() -> None:
    course = replace(COURSE, epochs=9, patience=2)
    run = fitted(course, scores=[0.1, 0.5, 0.5, 0.4, 0.9])
    assert [epoch.score for epoch in run.epochs] == [0.1, 0.5, 0.5, 0.4]
    assert run.best == 1


def test_a_loss_that_is_no_number_is_reported() -> None:
    with pytest.raises(RunError, match=r"the loss of step 1 of 9 is inf: training has diverged"):
        fitted(COURSE, scale=float("inf"))


def test_a_course_names_options_that_are_in_use() -> None:
    plain = str(Schedule())
    assert plain.startswith("epochs 16, batch_size 64, learning_rate 0.002")
    assert "optimizer" not in plain
    assert "optimizer sgd, ema 0.99" in str(Schedule(optimizer="sgd", ema=0.99))


@pytest.mark.parametrize("count", [1, 40])
def test_the_curve_is_a_picture(count: int) -> None:
    epochs = [Epoch(loss=1 / number, score=number / 40) for number in range(1, count + 1)]
    picture = Image.open(BytesIO(draw_curve(epochs)))
    assert picture.format == "PNG"
    assert len(picture.convert("RGB").getcolors(10**6)) > 10
