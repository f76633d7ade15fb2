"""`python -m benchmarks.alternatives setup [NAME ...]`: install what is measured against.

Each alternative gets an environment of its own, with the exact versions of its requirements file.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.alternatives.catalogue import ALTERNATIVES, ENVIRONMENTS, Alternative

STAMP = "requirements.txt"  # of what an environment was made from; its last file to be written


def set_up(alternative: Alternative, requirements: Path, environments: Path) -> bool:
    """Make its environment unless it is there already; whether it had to be made.

    Raises:
        subprocess.CalledProcessError: pip failed, and has said why.
    """
    folder = environments / alternative.package
    stamp = folder / STAMP
    wanted = requirements.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [str(alternative.interpreter(environments)), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-r", str(requirements)], check=True)
    stamp.write_text(wanted)
    return True


def main() -> int:
    """0, or 1 when one of them could not be installed; the others are tried all the same."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["setup", "list"])
    parser.add_argument("names", nargs="*", metavar="NAME", help="packages; default: all")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, metavar="DIR")
    options = parser.parse_args()
    wanted = [one for one in ALTERNATIVES if not options.names or one.package in options.names]
    if unknown := set(options.names) - {one.package for one in wanted}:
        known = ", ".join(one.package for one in ALTERNATIVES)
        parser.error(f"no alternative is called {', '.join(sorted(unknown))}; there are {known}")
    if options.command == "list":
        for one in wanted:
            print(f"{one.name:16} {one.version(options.environments) or 'not installed'}")
        return 0
    return _set_up_all(wanted, options.environments)


def _set_up_all(wanted: list[Alternative], environments: Path) -> int:
    failed = []
    for number, one in enumerate(wanted, start=1):
        print(f"[{number}/{len(wanted)}] {one.name}", flush=True)
        if one.requirements is None:
            print("  needs nothing but the project's own environment")
            continue
        start = time.monotonic()
        try:
            made = set_up(one, one.requirements, environments)
        except subprocess.CalledProcessError:
            failed.append(one.name)
            continue
        print(f"  installed in {time.monotonic() - start:.0f} s" if made else "  is ready")
    if failed:
        print(f"not installed, and left out of measurements: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
