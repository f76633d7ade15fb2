"""Everything that changes while a network is trained, as named tensors and back."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from zoo.training.ema import Average
from zoo.training.epochs import Epoch, best


class Progress:
    """A network on its way: its weights, its optimizer, its random numbers, its best epoch.

    ``generator`` draws the order of the batches; torch's own generators draw the rest.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        generator: torch.Generator,
        average: Average | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.generator = generator
        self.average = average
        self.epochs: list[Epoch] = []
        self.kept: dict[str, Tensor] = {}
        self.device = next(model.parameters()).device

    def record(self, epoch: Epoch) -> None:
        """Note an epoch, and keep the weights that the model has now if it is the best so far."""
        self.epochs.append(epoch)
        if best(self.epochs) == len(self.epochs) - 1:
            self.kept = {name: value.clone() for name, value in self.model.state_dict().items()}

    def tensors(self) -> dict[str, Tensor]:
        """All of it but the epochs; nothing here is a copy."""
        return (
            {f"model.{name}": value for name, value in self.model.state_dict().items()}
            | {f"kept.{name}": value for name, value in self.kept.items()}
            | {f"average.{name}": value for name, value in self._averages().items()}
            | {
                f"optimizer.{position}.{slot}": value
                for position, slots in self.optimizer.state_dict()["state"].items()
                for slot, value in slots.items()
                if value is not None
            }
            | {f"random.{name}": value for name, value in self._random().items()}
        )

    def restore(self, tensors: Mapping[str, Tensor], epochs: Sequence[Epoch]) -> None:
        """Go back to where ``tensors`` were taken, after ``epochs``."""
        self.epochs = list(epochs)
        self.model.load_state_dict(_below("model", tensors))
        self.kept = {
            name: value.to(self.device, copy=True)
            for name, value in _below("kept", tensors).items()
        }
        for name, value in self._averages().items():
            value.copy_(tensors[f"average.{name}"])
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _below("optimizer", tensors).items():
            position, slot = name.split(".")
            state.setdefault(int(position), {})[slot] = value
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
        random = _below("random", tensors)
        self.generator.set_state(random["batches"])
        torch.set_rng_state(random["torch"])
        if "cuda" in random:
            torch.cuda.set_rng_state(random["cuda"], self.device)

    def _averages(self) -> dict[str, Tensor]:
        return self.average.values if self.average else {}

    def _random(self) -> dict[str, Tensor]:
        states = {"batches": self.generator.get_state(), "torch": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        return states


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {
        name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
    }
