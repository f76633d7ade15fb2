"""Write the secrets that a stack needs into its volumes, once: what is there stays.

    python -IS fresh_secrets.py FOLDER

``triton/secret`` is the KEY=SECRET without which Triton tells nothing but its health;
``grafana/password`` is that of Grafana's ``admin``. The owner and the group may read them.
"""

import os
import secrets
import sys
from pathlib import Path


def write_once(path: Path, text: str) -> None:
    """Put ``text`` there in one step, unless there is something."""
    if path.exists():
        return
    staged = path.with_name(f".{path.name}")
    staged.unlink(missing_ok=True)
    with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440), "w") as file:
        file.write(text)
    staged.rename(path)
    print(f"made {path.parent.name}/{path.name}")  # noqa: T201  a command's only output


def main(folder: Path) -> None:
    """Both secrets, 256 and 192 random bits."""
    write_once(folder / "triton" / "secret", f"fovea={secrets.token_hex(32)}\n")
    write_once(folder / "grafana" / "password", f"{secrets.token_urlsafe(24)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
