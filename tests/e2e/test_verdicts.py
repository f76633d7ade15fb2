"""A candidate that is worse, equal or better is told apart, on real models and test images.

The better one is promoted, the worse one rejected, the equal one held: by the cards, and by what
the gateway saw. What labels of callers add is tested on simulated streams.
"""

import shutil
import time
from collections.abc import Iterator
from itertools import count

import httpx
import pytest

from tests.e2e.stack import REPOSITORY, Stack, serve
from tests.thorough import thorough
from zoo.signs.dataset import Split, render

GOOD, FAIR = "mbv2_simam", "mbv2_cbam"  # 92.6 % and 86.9 % of the test images, by their cards
IMAGES = 300  # that are compared at most
LONGEST_SECONDS = 90
ROUTES = """
[routes.worse]
to = "mbv2_simam@1"
[routes.worse.shadow]
to = "mbv2_cbam"

[routes.equal]
to = "mbv2_simam@1"
[routes.equal.shadow]
to = "mbv2_simam@2"

[routes.better]
to = "mbv2_cbam"
[routes.better.shadow]
to = "mbv2_simam@2"
"""
SHADOW = """share = 1.0
busy = 1.0
[routes.{name}.shadow.thresholds]
max_error_share = 0.05
max_slowdown = 3.0
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("verdicts")
    for name in (GOOD, FAIR):
        if not (REPOSITORY / name / "1/model.pt").exists():
            pytest.fail(f"model_repository/{name}/1/model.pt is not built: run `make models`")
        shutil.copytree(REPOSITORY / name, folder / "models" / name)
    shutil.copytree(folder / "models" / GOOD / "1", folder / "models" / GOOD / "2")
    config = folder / "models" / GOOD / "config.pbtxt"
    config.write_text(config.read_text() + "\nversion_policy { all { } }\n")
    (folder / "routes.toml").write_text(_routes())
    routes = str(folder / "routes.toml")
    with serve(
        folder / "log", f"{GOOD},{FAIR}", folder / "models", FOVEA_ROUTES_FILE=routes
    ) as running:
        yield running


def _routes() -> str:
    """ROUTES with the settings of each shadow behind it."""
    parts = ROUTES.split("\n\n")
    names = ("worse", "equal", "better")
    return "\n\n".join(
        part.rstrip() + "\n" + SHADOW.format(name=name)
        for part, name in zip(parts, names, strict=True)
    )


def trial(client: httpx.Client, route: str) -> dict:
    trials = client.get(f"/shadow/{route}").json()["trials"]
    return trials[0] if trials else {"compared": 0, "verdict": "hold"}


def watch(client: httpx.Client, route: str) -> dict:
    """The trial once it has a verdict, or IMAGES were compared."""
    end = time.monotonic() + LONGEST_SECONDS
    for index in count():
        sample = render(Split.TEST, index)
        answer = client.post(
            "/predict",
            params={"model": route},
            content=sample.jpeg,
            headers={"content-type": "image/jpeg"},
        )
        assert answer.status_code == 200, answer.text
        time.sleep(0.05)  # for the candidate, who waits until nobody else wants anything
        if index % 10 == 0:
            found = trial(client, route)
            if found["verdict"] != "hold" or found["compared"] >= IMAGES:
                return found
            assert time.monotonic() < end, found
    raise AssertionError


@pytest.mark.parametrize(
    ("route", "verdict"),
    [
        ("worse", "reject"),
        pytest.param("equal", "hold", marks=thorough),
        ("better", "promote"),
    ],
)
def test_the_verdict(stack: Stack, route: str, verdict: str) -> None:
    with httpx.Client(base_url=stack.url, timeout=30) as client:
        found = watch(client, route)
        page = client.get(f"/shadow/{route}").json()
    assert found["verdict"] == verdict, found
    assert found["reasons"]
    assert found["accuracy_gain"]["source"] == "cards", found
    assert bool(page["disagreements"]) == (route != "equal")
    if route == "equal":
        assert found["compared"] >= IMAGES
        assert found["agreement"]["value"] == 1
