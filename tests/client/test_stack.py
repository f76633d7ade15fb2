"""The clients against the real gateway and the real Triton; the guide's examples too."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import fovea
from fovea import AsyncClient, Client
from tests.e2e.stack import ROOT, Stack
from zoo import weights

PHOTO = ROOT / "docs/images/no_parking.jpg"
SCENE = ROOT / "docs/images/scene.jpg"
CLASSIFIER, DETECTOR = "mbv2_simam", "retinanet_mbv2_simam"
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs/client.md").read_text(), re.S)


def test_a_photograph_is_classified(client: Client) -> None:
    answer = client.predict(PHOTO, model=CLASSIFIER, version=1, class_map=True)
    assert (answer.model, answer.version, answer.task) == (CLASSIFIER, "1", "classification")
    assert answer.predictions[0].label == "no_parking_sign"
    assert sum(guess.score for guess in answer.predictions) == pytest.approx(1, abs=1e-5)
    assert answer.class_maps[0].label == "no_parking_sign"
    assert answer.image == fovea.ImageSize(width=64, height=64)
    assert answer.timings_ms["infer"] <= answer.timings_ms["total"]
    assert answer.request_id
    assert answer.detections == ()


@pytest.mark.anyio
async def test_the_async_client_gets_the_same(stack: Stack, client: Client) -> None:
    async with AsyncClient(stack.url) as other:
        answer = await other.predict(PHOTO, model=CLASSIFIER, top_k=2)
        batch = await other.predict_batch([PHOTO, SCENE], model=CLASSIFIER)
        assert await other.ready()
    assert answer.predictions == client.predict(PHOTO, model=CLASSIFIER, top_k=2).predictions
    assert [item.result().image.width for item in batch] == [64, 160]


def test_one_bad_image_is_an_error_in_its_place(client: Client) -> None:
    with SCENE.open("rb") as opened:
        images = [PHOTO, b"no image", opened]
        batch = client.predict_batch(images, model=CLASSIFIER, top_k=1)
    assert [item.file for item in batch] == ["no_parking.jpg", None, "scene.jpg"]
    good, bad, last = batch
    assert (len(good.result().predictions), len(last.result().predictions)) == (1, 1)
    assert isinstance(bad.error, fovea.BadImage)
    assert (bad.error.code, bad.error.status) == ("unreadable-image", 422)
    assert "total" in batch.timings_ms


def test_objects_are_found_and_drawn(client: Client) -> None:
    answer = client.predict(SCENE, model=DETECTOR, score_threshold=0.5, max_detections=5)
    assert (answer.task, answer.predictions) == ("detection", ())
    assert 1 <= len(answer.detections) <= 5
    for found in answer.detections:
        assert found.score > 0.5
        assert found.mask is None
        assert 0 <= found.box.x_min < found.box.x_max <= answer.image.width
        assert 0 <= found.box.y_min < found.box.y_max <= answer.image.height
    assert client.render(SCENE, model=DETECTOR).startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize(
    ("image", "options", "kind", "field"),
    [
        (PHOTO, {"model": "mbv2"}, fovea.NotFound, "model"),
        (PHOTO, {"model": CLASSIFIER, "version": 9}, fovea.NotFound, "version"),
        (PHOTO, {"model": CLASSIFIER, "max_detections": 1}, fovea.BadRequest, "max_detections"),
        (PHOTO, {}, fovea.BadRequest, "model"),
        (b"no image", {"model": CLASSIFIER}, fovea.BadImage, ""),
        (b"0" * 21_000_000, {"model": CLASSIFIER}, fovea.BadImage, ""),
    ],
    ids=["model", "version", "parameter", "no model named", "no image", "too many bytes"],
)
def test_a_refusal_says_what_was_wrong(
    client: Client, image: fovea.Image, options: dict, kind: type, field: str
) -> None:
    with pytest.raises(fovea.ProblemError) as caught:
        client.predict(image, **options)
    error = caught.value
    assert (type(error), error.field) == (kind, field)
    assert error.detail
    assert error.remedy
    assert error.request_id


def test_the_answer_says_why_a_model_was_chosen(client: Client) -> None:
    assert client.predict(PHOTO, model=CLASSIFIER).routing is None
    alias = client.predict(PHOTO, model="signs", route_key="car 7", fresh=True)
    assert alias.model == CLASSIFIER
    assert alias.routing == fovea.Routing(rule="alias", route="signs")
    forced = client.predict(PHOTO, model="signs", target=CLASSIFIER, truth="no_parking_sign")
    assert forced.routing is not None
    assert forced.routing.rule == "forced"
    chosen = client.predict(PHOTO, model="auto", task="classification", policy="fastest")
    assert chosen.task == "classification"
    assert chosen.routing is not None
    assert (chosen.routing.rule, bool(chosen.routing.why)) == ("policy", True)
    with pytest.raises(fovea.BadRequest) as caught:
        client.predict(PHOTO, model=CLASSIFIER, budget_ms=5)
    assert caught.value.field == "budget_ms"


@pytest.mark.anyio
async def test_models_are_compared_on_one_image(stack: Stack, client: Client) -> None:
    names = ["signs", "mbv2_none", DETECTOR]
    told = client.compare(PHOTO, names, top_k=2)
    assert [one.name for one in told.results] == names
    first, second, detector = [one.result() for one in told.results]
    assert first.predictions == client.predict(PHOTO, model=CLASSIFIER, top_k=2).predictions
    assert first.image == told.image == fovea.ImageSize(width=64, height=64)
    assert (first.routing, second.routing) == (fovea.Routing(rule="alias", route="signs"), None)
    assert (detector.task, detector.request_id) == ("detection", told.request_id)
    (pair,) = told.agreement
    assert (pair.names, pair.task) == (("signs", "mbv2_none"), "classification")
    assert pair.top_1 is told.unanimous
    assert 0 <= (pair.distance or 0) <= 1
    async with AsyncClient(stack.url) as other:
        again = await other.compare(PHOTO, names, top_k=2)
    assert (again.votes, again.agreement) == (told.votes, told.agreement)
    with pytest.raises(fovea.NotFound) as caught:
        client.compare(PHOTO, ["signs", "mbv3"])
    assert caught.value.members["unknown"] == ["mbv3"]


def test_a_request_id_of_one_s_own_comes_back(client: Client) -> None:
    answer = client.predict(PHOTO, model=CLASSIFIER, headers={"X-Request-Id": "mine"})
    assert answer.request_id == "mine"


def test_models_tell_their_recipe_and_card(client: Client) -> None:
    models = {model.name: model for model in client.models()}
    detector = models[DETECTOR]
    assert (detector.task, detector.servable, detector.untrained) == ("detection", True, False)
    assert detector.detection is not None
    assert detector.input is not None
    assert (detector.input.fit, detector.input.width) == ("letterbox", 160)
    classifier = client.model(CLASSIFIER)
    assert classifier == models[CLASSIFIER]
    assert classifier.versions == ("1",)
    assert classifier.labels is not None
    assert "no_parking_sign" in classifier.labels
    card = weights.read_card(CLASSIFIER)
    assert classifier.card is not None
    assert classifier.card.parameters == card.parameters
    assert classifier.card.metrics["test_accuracy"].value == card.test_accuracy.value
    with pytest.raises(fovea.NotFound):
        client.model("mbv2")


def test_loading_what_is_loaded_changes_nothing(client: Client) -> None:
    assert client.load(CLASSIFIER) == client.model(CLASSIFIER)
    with pytest.raises(fovea.NotFound):
        client.unload("mbv2")


def test_the_gateway_gives_up_before_the_client(client: Client) -> None:
    with pytest.raises(fovea.DeadlineExceeded):
        client.predict(SCENE, model=DETECTOR, timeout=0.002)


class Unreliable:
    """A wire to ``stack`` that breaks under the first ``faults`` requests; counts connections."""

    def __init__(self, stack: Stack, faults: int) -> None:
        self._target = ("127.0.0.1", int(stack.url.rpartition(":")[2]))
        self._faults = faults
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            with caller:
                request = caller.recv(1 << 20)
                if self.connections > self._faults:
                    self._pass_on(caller, request)

    def _pass_on(self, caller: socket.socket, request: bytes) -> None:
        with socket.create_connection(self._target) as gateway:
            back = threading.Thread(target=pump, args=(gateway, caller))
            back.start()
            gateway.sendall(request)
            pump(caller, gateway)
            back.join()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def pump(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(1 << 16):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


@contextmanager
def unreliable(stack: Stack, faults: int) -> Iterator[Unreliable]:
    wire = Unreliable(stack, faults)
    thread = threading.Thread(target=wire.serve)
    thread.start()
    try:
        yield wire
    finally:
        wire.close()
        thread.join()


def test_a_killed_connection_is_survived_by_asking_again(stack: Stack) -> None:
    with unreliable(stack, faults=2) as wire, Client(wire.url) as client:
        answer = client.predict(PHOTO, model=CLASSIFIER)
        assert answer.predictions[0].label == "no_parking_sign"
        assert wire.connections == 3


def test_a_killed_connection_is_told_where_asking_again_could_do_harm(stack: Stack) -> None:
    with unreliable(stack, faults=9) as wire, Client(wire.url) as client:
        with pytest.raises(fovea.ConnectionLost):
            client.load(CLASSIFIER)
        assert wire.connections == 1
    with pytest.raises(fovea.ConnectError), Client(wire.url) as client:
        client.load(CLASSIFIER)


def test_the_examples_of_the_guide_run(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In their order, in one namespace, from the project's folder."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("VISION_KEY", "fk_1")
    names: dict[str, object] = {}
    for number, example in enumerate(EXAMPLES):
        source = example.replace("http://127.0.0.1:8080", stack.url)
        exec(compile(source, f"docs/client.md[{number}]", "exec"), names)
    said = capsys.readouterr().out
    for expected in (
        "no_parking_sign 0.9",
        "policy",
        "no_parking_sign ('mbv2_simam'",
        "README.md unreadable-image",
        "skipped: ",
    ):
        assert expected in said
    assert len(EXAMPLES) >= 6


def test_the_guide_names_every_option() -> None:
    guide = (ROOT / "docs/client.md").read_text()
    for name in (*fovea.ClientOptions.__annotations__, *fovea.RenderOptions.__annotations__):
        assert f"`{name}" in guide or f"{name}=" in guide, name
