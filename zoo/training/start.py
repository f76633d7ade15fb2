"""Weights to start from: what is general is taken over, and the answers where labels agree."""

from pathlib import Path

from torch import Tensor, nn

from zoo import weights
from zoo.cards.kinds import AnyCard
from zoo.classifiers import Classifier
from zoo.detectors import Detector
from zoo.weights import WeightsError


def read_start(name: str, network: str, folder: Path) -> AnyCard:
    """The card of the weights ``name``, which a ``network`` shall start from.

    Raises:
        WeightsError: there are none, or they are those of another network.
    """
    card = weights.read_card(name, folder)
    if card.network != network:
        raise WeightsError(
            f"{name} are weights of {card.network}; {network} cannot start from them: "
            f"train {card.network}, or start from other weights"
        )
    return card


def take_over(
    model: Classifier | Detector, start: AnyCard, labels: tuple[str, ...], folder: Path
) -> None:
    """Give ``model`` the weights ``start`` of the same network.

    Where the labels differ, a classifier's linear layer and all that follows a detector's feature
    pyramid keep their fresh values.
    """
    state = weights.load(start.name, folder)
    if start.labels != labels:
        general = "features." if isinstance(model, Classifier) else "backbone."
        fresh = model.state_dict()
        state = {key: state[key] if key.startswith(general) else fresh[key] for key in fresh}
    _load(model, state, start.name)


def take_over_backbone(model: Detector, classifier: str, folder: Path) -> None:
    """Give the backbone of ``model`` the features of a classifier in ``folder``."""
    prefix = "features."
    state = weights.load(classifier, folder)
    features = {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
    _load(model.backbone.body, features, classifier)


def _load(module: nn.Module, state: dict[str, Tensor], name: str) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:  # keys or shapes that do not fit
        raise WeightsError(f"the weights of {name} do not fit: train them again") from error
