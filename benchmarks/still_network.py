"""A model repository whose network does nothing, behind the real one's configuration."""

import shutil
from pathlib import Path

import torch
from torch import Tensor, nn


class StillNetwork(nn.Module):
    """The right shapes, and no work."""

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 6) equal probabilities and (B, 3, 4, 4) empty maps."""
        batch = images.shape[0]
        return torch.full((batch, 6), 1 / 6), torch.zeros((batch, 3, 4, 4))


def still_repository(model: str, repository: Path, folder: Path) -> Path:
    """A copy of ``model``'s configuration in ``folder``, over the network that does nothing."""
    version = folder / model / "1"
    version.mkdir(parents=True)
    shutil.copy(repository / model / "config.pbtxt", folder / model / "config.pbtxt")
    torch.jit.script(StillNetwork()).save(str(version / "model.pt"))  # type: ignore[no-untyped-call]
    return folder
