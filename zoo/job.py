"""What to train, from which weights, and where to leave the result."""

from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor, nn

from zoo import weights
from zoo.card import Data
from zoo.checkpointing import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training, besides its data and its schedule."""

    network: str  # as the zoo calls it
    name: str  # of the weights that come out
    start: str | None = None  # the weights to start from, instead of fresh ones
    folder: Path = weights.FOLDER  # of all weights
    half: bool = False  # store float16; figures are measured after the round trip
    device: str = "cpu"
    run: Path | None = None  # the folder of the run's state; None keeps no state
    resume: bool = False

    def follow(self, data: Data, backbone: str | None = None) -> RunFolder | None:
        """The run folder, which refuses other data or other weights to start from."""
        if self.run is None:
            return None
        about = {
            "network": self.network,
            "name": self.name,
            "start": self._exactly(self.start),
            "backbone": self._exactly(backbone),
            "device": self.device,
            **{f"data {key}": value for key, value in asdict(data).items()},
        }
        return RunFolder(path=self.run, about=about, resume=self.resume)

    def content(self, model: nn.Module) -> bytes:
        """What the file of weights will hold; ``model`` has the same weights afterwards."""
        state: dict[str, Tensor] = model.state_dict()
        content = weights.serialise(weights.halved(state) if self.half else state)
        model.load_state_dict(weights.restored(content))
        return content

    def _exactly(self, name: str | None) -> str | None:
        if name is None:
            return None
        return f"{name} (SHA-256 {weights.read_card(name, self.folder).weights_sha256})"
