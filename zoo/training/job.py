"""What to train, from which weights, and where to leave the result."""

from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from zoo import weights
from zoo.data.description import Data
from zoo.storage import Storage, restored, serialise
from zoo.training.checkpointing import RunFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One training, besides its data and its schedule."""

    network: str  # as the zoo calls it
    name: str  # of the weights that come out
    start: str | None = None  # the weights to start from, instead of fresh ones
    folder: Path = weights.FOLDER  # of all weights
    storage: Storage = Storage.FLOAT32  # figures are measured of what it gives back
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
        content = serialise(model.state_dict(), self.storage)
        model.load_state_dict(restored(content))
        return content

    def _exactly(self, name: str | None) -> str | None:
        if name is None:
            return None
        return f"{name} (SHA-256 {weights.read_card(name, self.folder).weights_sha256})"
