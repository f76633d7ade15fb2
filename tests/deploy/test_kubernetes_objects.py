"""What schemas cannot see: names that must meet, and who may reach whom."""

import re
import tomllib
from collections import Counter

import pytest

from tests.deploy.kubernetes import (
    ROOT,
    Object,
    each_overlay,
    named,
    needs_kubectl,
    of_kind,
    pod,
    pods,
    render,
    selects,
    walk,
)

pytestmark = needs_kubectl

# Secrets are nobody's to commit; docs/kubernetes.md says how to make them.
SUPPLIED = {"fovea-api-keys", "triton-access"}
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
CALLERS = {"fovea/callers": "true"}
MONITORING = {"kubernetes.io/metadata.name": "monitoring"}
OWN = {"kubernetes.io/metadata.name": "fovea"}
SYSTEM = {"kubernetes.io/metadata.name": "kube-system"}
GATEWAY = {"app.kubernetes.io/name": "gateway"}
TRITON = {"app.kubernetes.io/name": "triton"}
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
DNS = {"k8s-app": "kube-dns"}


@each_overlay
def test_everything_lies_in_the_namespace_and_is_there_once(overlay: str) -> None:
    assert {one["metadata"].get("namespace") for one in render(overlay)} == {None, "fovea"}
    (space,) = (one for one in render(overlay) if "namespace" not in one["metadata"])
    assert (space["kind"], space["metadata"]["name"]) == ("Namespace", "fovea")
    seen = Counter((one["kind"], one["metadata"]["name"]) for one in render(overlay))
    assert set(seen.values()) == {1}


@each_overlay
def test_objects_say_what_they_belong_to(overlay: str) -> None:
    for one in render(overlay):
        assert one["metadata"]["labels"]["app.kubernetes.io/part-of"] == "fovea"
    gateway = pod(overlay, "gateway")
    assert gateway.labels["app.kubernetes.io/version"] == VERSION
    assert gateway.main["image"].endswith(f":{VERSION}")


@each_overlay
def test_images_are_pinned(overlay: str) -> None:
    images = {container["image"] for one in pods(overlay) for container in one.containers}
    for image in images:
        tag = image.rpartition(":")[2]
        assert re.fullmatch(r"\d+\.\d+(\.\d+)?(-py3)?", tag), image
    nvidia = {image for image in images if image.startswith("nvcr.io/")}
    assert len(nvidia) == (overlay != "cpu")
    for image in nvidia:  # what the advisories of 2026 need
        assert image.rpartition(":")[2] >= "26.07"


@each_overlay
def test_selectors_select(overlay: str) -> None:
    labels = {one.name: one.labels for one in pods(overlay)}
    for one in of_kind(overlay, "Deployment"):
        assert selects(one["spec"]["selector"], one["spec"]["template"]["metadata"]["labels"])
    chosen = {}
    for kind in ("PodDisruptionBudget", "Service"):
        for one in of_kind(overlay, kind):
            spec = one["spec"]["selector"]
            selector = spec if kind == "PodDisruptionBudget" else {"matchLabels": spec}
            chosen[kind, one["metadata"]["name"]] = [
                name for name in labels if selects(selector, labels[name])
            ]
    assert chosen["Service", "gateway"] == chosen["PodDisruptionBudget", "gateway"] == ["gateway"]
    assert chosen["Service", "triton-headless"] == ["triton"]
    assert all(len(names) == 1 for names in chosen.values())


@each_overlay
def test_pods_spread_from_their_own_kind(overlay: str) -> None:
    for one in pods(overlay):
        spec = one.spec
        terms = spec.get("affinity", {}).get("podAntiAffinity", {}).values()
        rules = [
            *spec["topologySpreadConstraints"],
            *(t["podAffinityTerm"] for ts in terms for t in ts),
        ]
        assert all(selects(rule["labelSelector"], one.labels) for rule in rules)
        assert "kubernetes.io/hostname" in {rule["topologyKey"] for rule in rules}


@each_overlay
def test_services_lead_to_ports(overlay: str) -> None:
    for service in of_kind(overlay, "Service"):
        for port in service["spec"]["ports"]:
            (target,) = (
                one
                for one in pods(overlay)
                if selects({"matchLabels": service["spec"]["selector"]}, one.labels)
            )
            assert port["targetPort"] in target.ports()
            assert port["name"] == port["targetPort"]


@each_overlay
def test_the_gateway_asks_the_service_of_triton_by_its_name(overlay: str) -> None:
    url = pod(overlay, "gateway").env()["FOVEA_TRITON_URL"]
    name, space, port = re.fullmatch(r"dns:///([\w-]+)\.([\w-]+)\.svc:(\d+)", url).groups()
    service = named(overlay, "Service", name)
    assert service["metadata"]["namespace"] == space
    assert service["spec"]["clusterIP"] == "None"  # else it would see one address
    # The name stands for the pods, so their own port counts and not the service's.
    assert pod(overlay, "triton").ports()["grpc"] == int(port)
    assert {"grpc": int(port)}.items() <= {
        one["name"]: one["port"] for one in service["spec"]["ports"]
    }.items()


@each_overlay
def test_what_pods_refer_to_is_there_or_told_in_the_docs(overlay: str) -> None:
    maps = {one["metadata"]["name"] for one in of_kind(overlay, "ConfigMap")}
    docs = (ROOT / "docs/kubernetes.md").read_text()
    assert not of_kind(overlay, "Secret")
    secrets = set()
    for part in (part for one in pods(overlay) for part in walk(one.spec)):
        if "configMap" in part:
            assert part["configMap"]["name"] in maps
        if "secret" in part:
            secrets.add(part["secret"]["secretName"])
        if "secretKeyRef" in part:
            secrets.add(part["secretKeyRef"]["name"])
    assert secrets == SUPPLIED
    assert all(f"create secret generic {name} " in docs for name in SUPPLIED)


@each_overlay
def test_one_autoscaler_a_deployment_and_no_number_beside_it(overlay: str) -> None:
    scalers = [*of_kind(overlay, "HorizontalPodAutoscaler"), *of_kind(overlay, "ScaledObject")]
    targets = [one["spec"]["scaleTargetRef"]["name"] for one in scalers]
    assert len(targets) == len(set(targets))
    assert targets == (["gateway", "triton"] if overlay == "keda" else ["gateway"])
    for one in of_kind(overlay, "Deployment"):
        assert ("replicas" in one["spec"]) != (one["metadata"]["name"] in targets)


@each_overlay
def test_budgets_let_a_node_be_emptied(overlay: str) -> None:
    for one in of_kind(overlay, "PodDisruptionBudget"):
        assert one["spec"]["maxUnavailable"] == 1
    for one in of_kind(overlay, "HorizontalPodAutoscaler"):
        assert one["spec"]["minReplicas"] >= 2


@each_overlay
def test_scaling_down_is_slower_than_up(overlay: str) -> None:
    specs = [one["spec"] for one in of_kind(overlay, "HorizontalPodAutoscaler")]
    for one in of_kind(overlay, "ScaledObject"):
        specs += [one["spec"]["advanced"]["horizontalPodAutoscalerConfig"]]
    for behavior in (spec["behavior"] for spec in specs):
        up, down = behavior["scaleUp"], behavior["scaleDown"]
        assert up["stabilizationWindowSeconds"] < down["stabilizationWindowSeconds"]
        assert [policy["value"] for policy in down["policies"]] == [1]


class Network:
    """Who may reach whom by the policies of an overlay.

    A connection needs leave twice: of the policies that choose who asks, and of those that choose
    who is asked. Whom no policy chooses may do anything.
    https://kubernetes.io/docs/concepts/services-networking/network-policies/
    """

    def __init__(self, overlay: str) -> None:
        self._policies = [one["spec"] for one in of_kind(overlay, "NetworkPolicy")]
        self._ports = {one.name: one.ports() for one in pods(overlay)}

    def lets(self, source: Object, to: Object, port: str | int) -> bool:
        """Whether a pod may open ``port`` of another; a pod is {space: …, labels: …}."""
        return self._side("Egress", source, to, port) and self._side("Ingress", to, source, port)

    def _side(self, way: str, chosen: Object, peer: Object, port: str | int) -> bool:
        if chosen["space"] is not OWN:
            return True
        policies = [
            one
            for one in self._policies
            if way in one["policyTypes"] and selects(one["podSelector"], chosen["labels"])
        ]
        rules = [rule for one in policies for rule in one.get(way.lower()) or []]
        return not policies or any(self._allows(rule, way, peer, port) for rule in rules)

    def _allows(self, rule: Object, way: str, peer: Object, port: str | int) -> bool:
        peers = rule["from" if way == "Ingress" else "to"]
        return any(self._is(one, peer) for one in peers) and port in [
            p["port"] for p in rule["ports"]
        ]

    def _is(self, peer: Object, one: Object) -> bool:
        if "ipBlock" in peer:
            return one["space"] is None
        if one["space"] is None:
            return False
        space = peer.get("namespaceSelector")
        at_home = one["space"] is OWN if space is None else selects(space, one["space"])
        return at_home and selects(peer.get("podSelector", {}), one["labels"])


def at(space: Object | None, labels: Object) -> Object:
    return {"space": space, "labels": labels}


PLACES = {
    "gateway": at(OWN, GATEWAY),
    "triton": at(OWN, TRITON),
    "another pod": at(OWN, {"app": "else"}),
    "ingress": at(CALLERS, {"app": "nginx"}),
    "stranger": at({"kubernetes.io/metadata.name": "default"}, GATEWAY),
    "prometheus": at(MONITORING, PROMETHEUS),
    "grafana": at(MONITORING, {"app.kubernetes.io/name": "grafana"}),
    "dns": at(SYSTEM, DNS),
    "internet": at(None, {}),
}
PORTS = ("http", "grpc", "metrics", 53, 443)
OPEN = {
    ("ingress", "gateway", "http"),
    ("prometheus", "gateway", "http"),
    ("prometheus", "triton", "metrics"),
    ("gateway", "triton", "grpc"),
    ("gateway", "dns", 53),
}
FETCHES = {("triton", "dns", 53), ("triton", "internet", 443)}  # KServe's initializer


@each_overlay
def test_nobody_reaches_anybody_but_where_it_is_needed(overlay: str) -> None:
    network = Network(overlay)
    ours = {name for name, place in PLACES.items() if place["space"] is OWN}
    found = {
        (source, to, port)
        for source in PLACES
        for to in PLACES
        for port in PORTS
        if {source, to} & ours and network.lets(PLACES[source], PLACES[to], port)
    }
    assert found == OPEN | (FETCHES if overlay == "kserve" else set())


@each_overlay
def test_policies_choose_pods_and_name_their_ports(overlay: str) -> None:
    for policy in of_kind(overlay, "NetworkPolicy"):
        spec = policy["spec"]
        chosen = [one for one in pods(overlay) if selects(spec["podSelector"], one.labels)]
        assert chosen
        for rule in spec.get("ingress", []):
            assert all(rule["ports"][0]["port"] in one.ports() for one in chosen)
        for rule in spec.get("egress", []):
            for port in (port["port"] for port in rule["ports"] if isinstance(port["port"], str)):
                asked = [
                    one
                    for one in pods(overlay)
                    if selects(rule["to"][0]["podSelector"], one.labels)
                ]
                assert asked
                assert all(port in one.ports() for one in asked)


def test_a_policy_that_is_missing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network("cpu")
    network._policies = [one for one in network._policies if one["podSelector"]]
    assert network.lets(PLACES["another pod"], PLACES["internet"], 443)
