"""Answers of models, made up."""

from contract.recipe import Card, Figure, Task
from service.values import Box, Choice, Detection, Findings, Label, Result
from tests.fakes import LABELS, recipe


def classified(*scores: tuple[str, float], model: str = "a", version: str = "1") -> Result:
    """A classifier's answer, best first."""
    labels = tuple(Label(name, number, score) for number, (name, score) in enumerate(scores))
    return _result(Task.CLASSIFICATION, Findings(labels=labels), model, version)


def sees(name: str, model: str = "a", version: str = "1") -> Result:
    """A classifier that is sure."""
    others = [(other, 0.0) for other in LABELS if other != name]
    return classified((name, 1.0), *others, model=model, version=version)


def detected(*found: tuple[str, tuple[float, float, float, float]]) -> Result:
    """A detector's answer, best first."""
    detections = tuple(Detection(Label(name, 0, 0.9), Box(*edges)) for name, edges in found)
    return _result(Task.DETECTION, Findings(detections=detections), "a", "1")


def card(low: float, value: float, high: float, name: str = "test_accuracy") -> Card:
    """One that knows a single figure."""
    figure = Figure(value=value, low=low, high=high)
    return Card(
        architecture="",
        attention="",
        parameters=1,
        data="3000 test images",
        epochs=1,
        trained_on=None,
        weights_sha256="",
        metrics={name: figure},
    )


def choice(model: str, version: str = "", card: Card | None = None) -> Choice:
    """A classifier of the fakes' labels."""
    return Choice(model, version, recipe(card=card))


def _result(task: Task, findings: Findings, model: str, version: str) -> Result:
    return Result(model=model, version=version, task=task, findings=findings, width=64, height=64)
