"""Routes, policy, fallbacks and shadows over five real models of a real Triton."""

import math
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.stack import REPOSITORY, Stack, serve

CLASSIFIERS = ("mbv2_simam", "mbv2_none", "mbv2_ulsam", "mbv2_cbam")
DETECTOR = "retinanet_mbv2_simam"
PHOTO = Path("docs/images/no_parking.jpg").read_bytes()
JPEG = {"content-type": "image/jpeg"}
PAUSE_SECONDS = 0.1  # in which candidates of shadows may run
SURE = 4.0  # standard deviations that a count may be off: one time in 16,000

ROUTES = """
[defaults]
classification = "signs"
detection = "retinanet_mbv2_simam"

[routes.signs]
to = "mbv2_simam"

[routes.canary]
to = { "mbv2_simam@1" = 80, "mbv2_none" = 20, "mbv2_cbam" = 0 }

[routes.half_there]
to = { "mbv2_simam@1" = 50, "mbv2_simam@2" = 50 }

[routes.guarded]
to = "mbv2_ulsam"
fallback = ["mbv2_none"]

[routes.watched]
to = "mbv2_simam"
[routes.watched.shadow]
to = "mbv2_cbam"
share = 1.0
busy = 1.0

[auto.classification]
models = ["mbv2_simam", "mbv2_none", "mbv2_cbam"]
"""


@pytest.fixture(scope="module")
def routes_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("routes") / "routes.toml"
    file.write_text(ROUTES)
    return file


@pytest.fixture(scope="module")
def stack(routes_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    for name in (*CLASSIFIERS, DETECTOR):
        if not (REPOSITORY / name / "1/model.pt").exists():
            pytest.fail(f"model_repository/{name}/1/model.pt is not built: run `make models`")
    with serve(
        tmp_path_factory.mktemp("selection") / "log",
        models=",".join((*CLASSIFIERS, DETECTOR)),
        FOVEA_ROUTES_FILE=str(routes_file),
        FOVEA_MODEL_CONTROL="true",
        FOVEA_CATALOG_REFRESH_SECONDS="0.3",
        FOVEA_CACHE_BYTES="1000000",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url, timeout=30) as session:
        yield session


def ask(client: httpx.Client, headers: dict[str, str] | None = None, **query: object):
    """A prediction past the cache."""
    sent = JPEG | {"cache-control": "no-cache"} | (headers or {})
    return client.post("/predict", params=query, content=PHOTO, headers=sent)


def answer(client: httpx.Client, headers: dict[str, str] | None = None, **query: object) -> dict:
    response = ask(client, headers, **query)
    assert response.status_code == 200, response.text
    return response.json()


def counted(client: httpx.Client, number: int, **query: object) -> Counter[str]:
    return Counter(answer(client, **query)["model"] for _ in range(number))


def within(count: int, number: int, share: float) -> bool:
    """Whether a binomial count is no further off than chance explains."""
    return abs(count - number * share) <= SURE * math.sqrt(number * share * (1 - share))


def metric(client: httpx.Client, name: str, **labels: str) -> float:
    """The sum of a series' samples that have these labels."""
    total = 0.0
    for line in client.get("/metrics").text.splitlines():
        has_labels = all(f'{key}="{value}"' in line for key, value in labels.items())
        if line.startswith(f"{name}{{") and has_labels:
            total += float(line.rpartition(" ")[2])
    return total


def test_by_name_alias_and_default(client: httpx.Client) -> None:
    named = ask(client, model="mbv2_none", version="1")
    assert named.json()["model"] == "mbv2_none"
    assert named.json()["routing"] == {"rule": "name", "cache": "miss"}
    assert named.headers["x-routing"].startswith("model=mbv2_none, version=1, rule=name")
    alias = answer(client, model="signs")
    assert alias["model"] == "mbv2_simam"
    assert alias["routing"] == {"rule": "alias", "route": "signs", "cache": "miss"}
    assert answer(client, task="classification")["routing"]["rule"] in ("default", "alias")
    assert answer(client, task="classification")["model"] == "mbv2_simam"
    assert answer(client, task="detection")["model"] == DETECTOR
    assert ask(client).status_code == 400  # two tasks: one must be named
    unknown = ask(client, model="sings").json()
    assert unknown["type"] == "urn:fovea:problem:unknown-model"
    assert "signs" in unknown["remedy"]


def test_weights_are_kept_by_chance(client: httpx.Client) -> None:
    number = 300
    seen = counted(client, number, model="canary", top_k=1)
    assert set(seen) == {"mbv2_simam", "mbv2_none"}
    assert within(seen["mbv2_none"], number, 0.2), seen


def test_keys_stick_and_share_out_as_weights_say(client: httpx.Client) -> None:
    keys = [f"caller-{number}" for number in range(150)]
    first = [answer(client, model="canary", route_key=key, top_k=1)["model"] for key in keys]
    again = [answer(client, {"x-route-key": key}, model="canary", top_k=1)["model"] for key in keys]
    assert first == again
    assert within(first.count("mbv2_none"), len(keys), 0.2)
    told = answer(client, model="canary", route_key="me")["routing"]
    assert told == {"rule": "sticky", "route": "canary", "cache": "miss"}


def test_a_tester_picks_a_target(client: httpx.Client) -> None:
    assert answer(client, model="canary", target="mbv2_cbam")["model"] == "mbv2_cbam"
    forced = answer(client, {"x-route-target": "mbv2_none"}, model="canary")
    assert forced["model"] == "mbv2_none"
    assert forced["routing"]["rule"] == "forced"
    other = ask(client, model="canary", target="mbv2_ulsam")
    assert other.status_code == 422
    assert other.json()["field"] == "target"


def test_a_version_that_is_not_ready_gets_no_traffic(client: httpx.Client) -> None:
    versions = Counter(answer(client, model="half_there", top_k=1)["version"] for _ in range(30))
    assert versions == {"1": 30}


def test_a_fallback_answers_for_a_model_that_is_away(client: httpx.Client, stack: Stack) -> None:
    assert answer(client, model="guarded")["model"] == "mbv2_ulsam"
    before = metric(client, "fovea_fallbacks_total", model="mbv2_ulsam", to="mbv2_none")
    assert client.post("/models/mbv2_ulsam/unload").status_code == 200
    instead = answer(client, model="guarded")
    assert instead["model"] == "mbv2_none"
    (passed_over,) = instead["routing"]["passed_over"]
    assert passed_over["model"] == "mbv2_ulsam"
    assert passed_over["reason"] == "broken"
    after = metric(client, "fovea_fallbacks_total", model="mbv2_ulsam", to="mbv2_none")
    assert after == before + 1
    assert client.post("/models/mbv2_ulsam/load").status_code == 200
    stack.wait(lambda: answer(client, model="guarded")["model"] == "mbv2_ulsam", 10, "its return")


def test_the_policy_fits_the_budget(client: httpx.Client) -> None:
    """Cold models are warmed in shadow; then the most accurate by its card answers."""
    end = time.monotonic() + 60
    told: dict = {}
    while time.monotonic() < end and "measured" in told.get("why", "not measured"):
        told = answer(client, model="auto", task="classification", budget_ms=5000)["routing"]
        time.sleep(PAUSE_SECONDS)
    chosen = answer(client, model="auto", task="classification", budget_ms=5000)
    assert chosen["routing"]["rule"] == "policy"
    assert chosen["model"] == "mbv2_simam", chosen["routing"]
    assert "0.92" in chosen["routing"]["why"]
    small = ask(client, model="auto", task="classification", budget_ms=0.5)
    assert small.status_code == 422
    assert small.json()["type"] == "urn:fovea:problem:budget-too-small"
    assert small.json()["fastest_ms"] > 0.5
    fastest = answer(client, model="auto", task="classification", policy="fastest")
    assert fastest["model"] in CLASSIFIERS
    misplaced = ask(client, model="signs", budget_ms=20)
    assert misplaced.status_code == 422
    assert misplaced.json()["field"] == "budget_ms"


def test_a_shadow_sees_what_the_route_sees(client: httpx.Client, stack: Stack) -> None:
    def compared() -> float:
        return metric(client, "fovea_shadow_compared_total", shadow="watched")

    for _ in range(12):
        told = answer(client, model="watched", truth="no_parking_sign")
        assert told["model"] == "mbv2_simam"
        time.sleep(PAUSE_SECONDS)
    stack.wait(lambda: compared() >= 8, 10, "comparisons")
    page = client.get("/shadow/watched").json()
    (trial,) = page["trials"]
    assert trial["primary"] == {"model": "mbv2_simam", "version": "1"}
    assert trial["compared"] == trial["labelled"] >= 8
    assert trial["agreement"]["low"] <= trial["agreement"]["value"] <= trial["agreement"]["high"]
    assert trial["verdict"] == "hold"  # too few by far
    assert trial["reasons"]
    assert client.get("/shadow/nothing").status_code == 404


def test_weights_change_without_a_restart_and_wrong_files_change_nothing(
    client: httpx.Client, stack: Stack, routes_file: Path
) -> None:
    def fault() -> str | None:
        return client.get("/routes").json()["fault"]

    try:
        routes_file.write_text(ROUTES.replace('to = "mbv2_simam"\n', 'to = "mbv2_none"\n', 1))
        stack.wait(lambda: answer(client, model="signs")["model"] == "mbv2_none", 10, "the change")
        routes_file.write_text(ROUTES + '\n[routes.more]\nto = "a@b"\n')
        stack.wait(lambda: bool(fault()), 10, "the fault")
        line = len((ROUTES + "\n[routes.more]\nto").splitlines())
        assert f":{line}:" in fault()
        assert answer(client, model="signs")["model"] == "mbv2_none"  # the old one counts
    finally:
        routes_file.write_text(ROUTES)
    stack.wait(lambda: answer(client, model="signs")["model"] == "mbv2_simam", 10, "the way back")
    assert not fault()


def test_an_answer_comes_from_the_cache_the_second_time(client: httpx.Client) -> None:
    query = {"model": "signs", "top_k": 2}
    first, second = (
        client.post("/predict", params=query, content=PHOTO, headers=JPEG) for _ in range(2)
    )
    assert first.json()["routing"]["cache"] == "miss"
    assert second.json()["routing"]["cache"] == "hit"
    assert "cache=hit" in second.headers["x-routing"]
    assert second.json()["predictions"] == first.json()["predictions"]


def test_other_protocols_know_the_routes(client: httpx.Client) -> None:
    old = client.post("/predictions/signs", content=PHOTO)
    assert old.status_code == 200, old.text
    assert max(old.json(), key=old.json().get) == "no_parking_sign"


def test_what_was_decided_is_in_the_metrics_and_the_log(client: httpx.Client, stack: Stack) -> None:
    before = metric(client, "fovea_routed_total", route="canary", rule="forced", model="mbv2_none")
    answer(client, model="canary", target="mbv2_none")
    after = metric(client, "fovea_routed_total", route="canary", rule="forced", model="mbv2_none")
    assert after == before + 1
    assert '"rule": "forced", "route": "canary"' in stack.log.read_text()
