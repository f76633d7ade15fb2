"""Tell what is inside an image; run by the Python of that image, on the standard library alone.

    docker run --rm -i --entrypoint python IMAGE -I - sbom IMAGE < docker/sbom.py
    docker run --rm -i --entrypoint python IMAGE -I - licences IMAGE < docker/sbom.py

`sbom` is CycloneDX 1.5 in JSON (ECMA-424): Python packages with their licences, Debian packages by
name and version. `licences` is a table of the former. Both tell what is installed, not the lock.
"""

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

DPKG = Path("/var/lib/dpkg/status")
CLASSIFIER = "License :: "
SPDX = re.compile(r"[A-Za-z0-9.+()-]+( (AND|OR|WITH) [A-Za-z0-9.+()-]+)*")
Component = dict[str, Any]


def field(package: Distribution, name: str) -> list[str]:
    """All that the package's metadata says under ``name``."""
    return [str(value) for value in package.metadata.get_all(name) or ()]


def licence(package: Distribution) -> str:
    """What the package says of its licence, in the newest form that it has; empty if nothing."""
    if expression := field(package, "License-Expression"):
        return expression[0]
    kinds = [kind for kind in field(package, "Classifier") if kind.startswith(CLASSIFIER)]
    if kinds:
        return ", ".join(kind.rpartition(" :: ")[2] for kind in kinds)
    return "".join(field(package, "License")).strip().partition("\n")[0][:100]


def licences(package: Distribution) -> list[Component]:
    """The same in CycloneDX's words: an SPDX expression, or a name as it stands."""
    text = licence(package)
    if field(package, "License-Expression") and SPDX.fullmatch(text):
        return [{"expression": text}]
    return [{"license": {"name": text}}] if text else []


def python_packages() -> list[Distribution]:
    """By name; the project's own is among them."""
    return sorted(distributions(), key=lambda package: package.name.lower())


def python_component(package: Distribution) -> Component:
    """One Python package."""
    name = re.sub(r"[-_.]+", "-", package.name).lower()
    purl = f"pkg:pypi/{name}@{package.version.replace('+', '%2B')}"
    found: Component = {"type": "library", "bom-ref": purl, "name": package.name}
    found |= {"version": package.version, "purl": purl}
    return found | {"licenses": licences(package)}


def debian_components() -> Iterator[Component]:
    """What dpkg has installed."""
    for stanza in DPKG.read_text().split("\n\n") if DPKG.exists() else ():
        fields = dict(re.findall(r"^(Package|Version|Architecture|Status): (.*)$", stanza, re.M))
        if fields.get("Status") != "install ok installed":
            continue
        version = fields["Version"].replace("+", "%2B").replace(":", "%3A")
        purl = f"pkg:deb/debian/{fields['Package']}@{version}?arch={fields['Architecture']}"
        found = {"type": "library", "bom-ref": purl, "name": fields["Package"]}
        yield found | {"version": fields["Version"], "purl": purl}


def sbom(image: str) -> str:
    """The whole document; the same image gives the same one but for the time."""
    name, _, version = image.rpartition(":")
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": made,
            "component": {"type": "container", "name": name, "version": version},
        },
        "components": [*map(python_component, python_packages()), *debian_components()],
    }
    return json.dumps(document, indent=1)


def table(image: str) -> str:
    """One line a Python package: name, version, licence."""
    rows = [f"{p.name:<44} {p.version:<14} {licence(p) or '-'}" for p in python_packages()]
    return "\n".join([f"# {image}", *rows])


if __name__ == "__main__":
    print({"sbom": sbom, "licences": table}[sys.argv[1]](sys.argv[2]))  # noqa: T201
