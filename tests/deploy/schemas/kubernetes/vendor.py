"""Cut the schemas that the tests need out of four public packages; README.md tells which.

    python vendor.py KUBERNETES_VALIDATE KSERVE PROMETHEUS_OPERATOR KEDA

The arguments are the folders ``kubernetes_validate``, ``kserve/models``,
``@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1`` and
``@kubernetes-models/keda/keda.sh/v1alpha1`` of the packages. No prose is kept, and nothing of what
a cluster writes (``status``).
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
VERSIONS = ("1.33", "1.37")
BUILT_IN = (
    "apps.v1.Deployment",
    "autoscaling.v2.HorizontalPodAutoscaler",
    "core.v1.ConfigMap",
    "core.v1.Namespace",
    "core.v1.PersistentVolumeClaim",
    "core.v1.Secret",
    "core.v1.Service",
    "core.v1.ServiceAccount",
    "networking.v1.NetworkPolicy",
    "policy.v1.PodDisruptionBudget",
)
CUSTOM = {
    "kserve": ("V1alpha1ServingRuntime", "V1beta1InferenceService"),
    "prometheus-operator": ("PrometheusRule", "ServiceMonitor"),
    "keda": ("ScaledObject",),
}
DROPPED = ("description", "format", "default", "$id", "$schema", "status")
Schema = dict[str, Any]
Patterns = dict[str, Callable[[re.Match[str]], Schema]]


def references(schema: Any) -> Iterator[str]:
    """Names of the definitions that a schema refers to."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rsplit("/", 1)[1]
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from references(item)


def closure(definitions: dict[str, Schema], roots: Iterable[str]) -> dict[str, Schema]:
    """The roots and all that they refer to, as far as it is defined here."""
    kept: dict[str, Schema] = {}
    left = list(roots)
    while left:
        name = left.pop()
        if name in definitions and name not in kept:
            kept[name] = definitions[name]
            left += references(kept[name])
    return kept


def plain(schema: Any, *, names: bool = False) -> Any:
    """A schema without prose; of a table of properties every ``name`` but status is kept."""
    if isinstance(schema, list):
        return [plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        return {"$ref": "#/$defs/" + schema["$ref"].rsplit("/", 1)[1]}
    dropped = ("status",) if names else DROPPED
    return {
        name: plain(value, names=name == "properties" and not names)
        for name, value in schema.items()
        if name not in dropped and not name.startswith("x-kubernetes")
    }


def strict(properties: dict[str, Schema], required: Iterable[str] = ()) -> Schema:
    """An object that has these properties and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": sorted(required),
        "properties": {name: of for name, of in properties.items() if name != "status"},
    }


def of_kubernetes(package: Path, version: str) -> dict[str, Schema]:
    """Definitions of one version of Kubernetes."""
    folder = package / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    definitions = json.loads((folder / "_definitions.json").read_text())["$defs"]
    return {name: plain(schema) for name, schema in definitions.items()}


def schema_of(kind: str, patterns: Patterns) -> Schema:
    """The schema of a type: that of the first pattern which fits; of no pattern, anything."""
    for pattern, make in patterns.items():
        if match := re.fullmatch(pattern, kind, re.S):
            return make(match)
    return {}


def to(name: str) -> Schema:
    """A reference."""
    return {"$ref": f"#/$defs/{name}"}


def array(of: Schema) -> Schema:
    """A list of one kind of items."""
    return {"type": "array", "items": of}


def table(of: Schema) -> Schema:
    """Any names, and one kind of values."""
    return {"type": "object", "additionalProperties": of}


SDK: Patterns = {
    "str": lambda _: {"type": "string"},
    "int": lambda _: {"type": "integer"},
    "bool": lambda _: {"type": "boolean"},
    r"list\[(.*)\]": lambda match: array(schema_of(match[1], SDK)),
    r"dict\(str, (.*)\)": lambda match: table(schema_of(match[1], SDK)),
    "V1ObjectMeta": lambda _: to("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"),
    r"V1([A-Z]\w+)": lambda match: to(f"io.k8s.api.core.v1.{match[1]}"),
    r"V1(?:alpha|beta)1\w+": lambda match: to(f"kserve.{match[0]}"),
}


def of_sdk(folder: Path) -> dict[str, Schema]:
    """KServe's resources, from the Python models that are generated of them."""
    found = {}
    for path in folder.glob("v1*.py"):
        text = path.read_text()
        tables = re.findall(r"(?:openapi_types|attribute_map) = \{(.*?)\}", text, re.S)
        if len(tables) == 2:
            kinds, names = (dict(re.findall(r"'(\w+)': '(.*?)'", table)) for table in tables)
            name = re.findall(r"^class (\w+)\(", text, re.M)[0]
            found[f"kserve.{name}"] = strict(
                {names[field]: schema_of(kind, SDK) for field, kind in kinds.items()}
            )
    return found


def typescript(package: str) -> Patterns:
    """The types in the declarations of a package."""
    patterns: Patterns = {
        '".*': lambda match: {"enum": [json.loads(word) for word in match[0].split(" | ")]},
        "string|number|boolean": lambda match: {"type": match[0]},
        "Array<(.*)>": lambda match: array(schema_of(match[1], patterns)),
        r"\{\s*\[key: string\]: (.*?);?\s*\}": lambda match: table(schema_of(match[1], patterns)),
        ".*(?:IntOrString|Quantity)": lambda _: {"type": ["string", "number"]},
        r"IIoK8sApimachineryPkgApisMetaV1(\w+)": lambda match: to(
            f"io.k8s.apimachinery.pkg.apis.meta.v1.{match[1]}"
        ),
        r"IIoK8sApi(Core|Autoscaling)(V\d)(\w+)": lambda match: to(
            f"io.k8s.api.{match[1].lower()}.{match[2].lower()}.{match[3]}"
        ),
        r"ICom\w+?V1(?:alpha1)?([A-Z]\w+)": lambda match: to(f"{package}.{match[1]}"),
    }
    return patterns


def of_typescript(folder: Path, package: str) -> dict[str, Schema]:
    """Resources of the operator or of KEDA, from the declarations that are generated of them."""
    texts = {
        path.name.removesuffix(".d.ts"): re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for path in folder.glob("*.d.ts")
    }

    patterns = typescript(package)

    def members(name: str) -> list[tuple[str, str, str]]:
        pattern = rf"export interface I{name}\b(.*?)\{{(.*?)^\}}"
        found = re.findall(pattern, texts[name].replace("{}", "{\n}"), re.S | re.M)
        head, body = found[0] if found else ("", "")  # another name of a type of Kubernetes
        above = re.findall(r"ICom\w+?V1(?:alpha1)?([A-Z]\w+)", head)
        own = re.findall(r'^    "(\w+)"(\??): (.*?);$', body, re.S | re.M)
        return [member for parent in above for member in members(parent)] + own

    found = {}
    for name, text in texts.items():
        if f"interface I{name} " in text:
            found[f"{package}.{name}"] = strict(
                {member: schema_of(kind, patterns) for member, _, kind in members(name)},
                {member for member, optional, _ in members(name) if not optional},
            )
        elif alias := re.search(rf"export type I{name} = (.*?);\n", text, re.S):
            found[f"{package}.{name}"] = schema_of(alias[1], patterns)
    return found


def write(name: str, definitions: dict[str, Schema]) -> None:
    """One file beside this one."""
    text = json.dumps({"$defs": definitions}, indent=1, sort_keys=True)
    (HERE / name).write_text(text + "\n")


def main(kubernetes: Path, kserve: Path, operator: Path, keda: Path) -> None:
    """Write the schemas of the custom resources, and of each version of Kubernetes."""
    custom = of_sdk(kserve)
    custom |= of_typescript(operator, "prometheus-operator") | of_typescript(keda, "keda")
    roots = [f"{package}.{kind}" for package, kinds in CUSTOM.items() for kind in kinds]
    custom = closure(custom, roots)
    for version in VERSIONS:
        definitions = of_kubernetes(kubernetes, version)
        shared = set(references(list(custom.values()))) - set(custom)
        # The SDK was generated of one version; what another one does not know may be anything.
        definitions |= {name: {} for name in shared - set(definitions)}
        built_in = [f"io.k8s.api.{name}" for name in BUILT_IN]
        write(f"v{version}.json", closure(definitions, [*built_in, *shared]))
    write("custom.json", custom)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
