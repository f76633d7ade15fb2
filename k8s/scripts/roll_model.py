"""Hand a route over to another model step by step; back at once where the new one fails.

    FOVEA_API_KEY=… python k8s/scripts/roll_model.py signs mbv2_cbam --routes routes.toml

The routing file is edited in place: at each step the new target gets its share, the file goes out
as the ConfigMap of the gateways, and when every one of them has it in force, their own metrics tell
how the new target does. Needs kubectl and a caller's key; with --gateway URL, and the file where
that gateway reads it, neither. Ends with 0 when the new target has it all, with 1 when the old file
is back.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

POLL_SECONDS = 1.0
SELECTOR = "app.kubernetes.io/name=gateway"
DATA = "--from-file=routes.toml"
RENDER = ("--dry-run=client", "--output=yaml")
MANAGER = ("--field-manager=roll-model", "--force-conflicts")  # owns the data, not the labels
FINE = {"ok", "client_error", "cancelled"}
SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.M)
LABEL = re.compile(r'(\w+)="([^"]*)"')
# The key comes by standard input, so that no list of processes shows it.
ASK = """
import sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:8080" + sys.argv[1])
if key := sys.stdin.read().strip():
    request.add_header("X-API-Key", key)
sys.stdout.write(urllib.request.urlopen(request, timeout=10).read().decode())
"""


class RollError(Exception):
    """The new target does not take over; the message says why."""


class Gateways(Protocol):
    """All that read the routing file."""

    def publish(self, routes: Path) -> None:
        """Let them have the file as it is now."""

    def ask(self, path: str) -> list[str]:
        """What each of them answers."""


@dataclass(frozen=True)
class Here:
    """Gateways with these addresses, which read the file itself."""

    urls: Sequence[str]
    key: str

    def publish(self, routes: Path) -> None:
        """Nothing to do."""

    def ask(self, path: str) -> list[str]:
        """One request to each."""
        headers = {"X-API-Key": self.key} if self.key else {}
        requests = [urllib.request.Request(url + path, headers=headers) for url in self.urls]  # noqa: S310
        return [urllib.request.urlopen(one, timeout=10).read().decode() for one in requests]  # noqa: S310


@dataclass(frozen=True)
class Cluster:
    """The pods of a namespace, which have the file from a ConfigMap."""

    namespace: str
    configmap: str
    key: str

    def publish(self, routes: Path) -> None:
        """Apply the ConfigMap; the kubelets take up to a minute or two to bring it to the pods."""
        made = self._kubectl("create", "configmap", self.configmap, *RENDER, f"{DATA}={routes}")
        self._kubectl("apply", "--server-side", *MANAGER, "-f", "-", given=made)

    def ask(self, path: str) -> list[str]:
        """From within each pod that is not on its way out."""
        pods = json.loads(self._kubectl("get", "pods", "-l", SELECTOR, "-o", "json"))["items"]
        names = [pod["metadata"]["name"] for pod in pods if _serves(pod)]
        command = ("--", "python", "-c", ASK, path)
        return [self._kubectl("exec", "-i", name, *command, given=self.key) for name in names]

    def _kubectl(self, *arguments: str, given: str = "") -> str:
        command = ["kubectl", "--namespace", self.namespace, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise RollError(f"kubectl {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def _serves(pod: dict[str, dict[str, object]]) -> bool:
    return pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]


def shares(text: str, route: str, target: str, percent: float) -> str:
    """The routing file with ``percent`` of the route at ``target``, the rest shared as it was."""
    old = tomllib.loads(text).get("routes", {}).get(route, {}).get("to")
    if old is None:
        raise RollError(f"the routing file has no route {route!r}")
    weights = {old: 1.0} if isinstance(old, str) else dict(old)
    weights.pop(target, None)
    whole = sum(weights.values()) or 1
    weights = {name: round(part / whole * (100 - percent), 6) for name, part in weights.items()}
    weights = {name: part for name, part in weights.items() if part} | {target: percent}
    table = ", ".join(f'"{name}" = {part:g}' for name, part in weights.items())
    header = rf'^\[\s*routes\s*\.\s*"?{re.escape(route)}"?\s*\][^\n]*\n'
    line = re.compile(rf"({header}(?:(?!\[)[^\n]*\n)*?to\s*=\s*)[^\n]*", re.M)
    new, found = line.subn(lambda match: f"{match[1]}{{ {table} }}", text)
    if found != 1 or tomllib.loads(new)["routes"][route]["to"] != weights:
        raise RollError(f"[routes.{route}] needs its `to` on one line")
    return new


def answers(gateways: Gateways, target: str) -> tuple[float, float]:
    """What the gateways have counted of ``target``: answers, and those of them that failed."""
    model, _, version = target.partition("@")
    total = failed = 0.0
    for page in gateways.ask("/metrics"):
        for name, labels, value in SAMPLE.findall(page):
            of = dict(LABEL.findall(labels))
            if of.get("model") != model or (version and of.get("version", version) != version):
                continue
            if name == "fovea_request_seconds_count":
                total += float(value)
                failed += float(value) * (of["outcome"] not in FINE)
            elif name == "fovea_fallbacks_total":  # somebody else answered in its place
                total += float(value)
                failed += float(value)
    return total, failed


@dataclass(frozen=True)
class Roll:
    """One hand-over."""

    gateways: Gateways
    routes: Path
    route: str
    target: str
    steps: Sequence[float]
    hold_seconds: float
    min_answers: int
    max_error_share: float
    publish_seconds: float

    def run(self) -> None:
        """Take every step, or put the file back and raise RollError."""
        before = self.routes.read_text()
        try:
            self._step(before, 0)
            for percent in self.steps:
                counted = answers(self.gateways, self.target)
                self._step(before, percent)
                self._watch(percent, counted)
        except BaseException:
            self._put(before)
            print(f"{self.routes.name} is as it was; the gateways follow", flush=True)  # noqa: T201
            raise

    def _put(self, text: str) -> None:
        staged = self.routes.with_name(f".{self.routes.name}.new")
        staged.write_text(text)
        staged.replace(self.routes)
        self.gateways.publish(self.routes)

    def _step(self, before: str, percent: float) -> None:
        """Publish the share; return when every gateway has it in force and the target is ready."""
        text = shares(before, self.route, self.target, percent)
        self._put(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        ends = time.monotonic() + self.publish_seconds
        while not (found := self._in_force(digest)):
            if time.monotonic() > ends:
                raise RollError(f"not every gateway took the file in {self.publish_seconds:g} s")
            time.sleep(POLL_SECONDS)
        if reasons := [one.get("reason", "not ready") for one in found if not one["ready"]]:
            raise RollError(f"{self.target} cannot be asked: {reasons[0]}")
        print(f"{self.target} gets {percent:g} %", flush=True)  # noqa: T201

    def _in_force(self, digest: str) -> list[dict[str, str]]:
        """The target as each gateway sees it; none while some have another file."""
        pages = [json.loads(page) for page in self.gateways.ask("/routes")]
        for page in pages:
            if page["fault"]:
                raise RollError(f"the file was refused: {page['fault']}")
            if not (page["digest"] and digest.startswith(page["digest"])):
                return []
        routes = [one for page in pages for one in page["routes"] if one["name"] == self.route]
        targets = [target for route in routes for target in route["to"]]
        return [target for target in targets if target["target"] == self.target]

    def _watch(self, percent: float, before: tuple[float, float]) -> None:
        """For the hold, and as long again where few have asked; raise where too many failed."""
        start = time.monotonic()
        total = failed = 0.0
        while (held := time.monotonic() - start) < self.hold_seconds or total < self.min_answers:
            if held > 2 * self.hold_seconds:
                raise RollError(f"{total:g} answers in {held:.0f} s say too little")
            time.sleep(POLL_SECONDS)
            now = answers(self.gateways, self.target)
            total, failed = (max(a - b, 0) for a, b in zip(now, before, strict=True))
            if total >= self.min_answers and failed > self.max_error_share * total:
                raise RollError(f"{failed:g} of {total:g} answers failed at {percent:g} %")


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("route")
    parser.add_argument("target", help="model, or model@version")
    parser.add_argument("--routes", type=Path, required=True, metavar="FILE")
    parser.add_argument("--gateway", action="append", metavar="URL", help="in place of kubectl")
    parser.add_argument("--namespace", default="fovea")
    parser.add_argument("--configmap", default="fovea-routes")
    parser.add_argument("--steps", default="5,25,50,100", metavar="PERCENT,…")
    parser.add_argument("--hold-seconds", type=float, default=300)
    parser.add_argument("--min-answers", type=int, default=100, help="that a step must have seen")
    parser.add_argument("--max-error-share", type=float, default=0.01)
    parser.add_argument("--publish-seconds", type=float, default=180)
    chosen = vars(parser.parse_args(arguments))
    key = os.environ.get("FOVEA_API_KEY", "")
    urls, namespace, configmap = (
        chosen.pop(name) for name in ("gateway", "namespace", "configmap")
    )
    gateways = Here(urls, key) if urls else Cluster(namespace, configmap, key)
    steps = [float(step) for step in chosen.pop("steps").split(",")]
    try:
        Roll(gateways, steps=steps, **chosen).run()
    except RollError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
