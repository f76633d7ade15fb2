"""`python -m monitoring.boards` writes the dashboards that Grafana is provisioned with."""

import json
from pathlib import Path

from monitoring.boards import canary, model, overview, triton

FOLDER = Path(__file__).parents[1] / "grafana/dashboards"
BOARDS = {
    "overview": overview.BOARD,
    "model": model.BOARD,
    "triton": triton.BOARD,
    "canary": canary.BOARD,
}


def texts() -> dict[Path, str]:
    """The text of each file."""
    return {
        FOLDER / f"{name}.json": json.dumps(board.render(), indent=1, ensure_ascii=False) + "\n"
        for name, board in BOARDS.items()
    }


if __name__ == "__main__":
    for file, text in texts().items():
        file.write_text(text)
