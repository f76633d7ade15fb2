"""One example of every problem, as the gateway answers it."""

import json
from typing import Any

from service import errors
from service.errors import GatewayError, answer_status, problem
from service.examples.names import CLASSIFIER, DETECTOR, REQUEST_ID
from service.trace import Stage

STAGES = {
    Stage.READ: 0.0001,
    Stage.QUEUE: 0.0,
    Stage.DECODE: 0.0014,
    Stage.PREPROCESS: 0.0009,
    Stage.INFER: 0.0062,
    Stage.POSTPROCESS: 0.0001,
}


def _by_kind(*examples: GatewayError) -> dict[type[GatewayError], GatewayError]:
    return {type(example): example for example in examples}


ERRORS = _by_kind(
    errors.UnknownParameter("unknown here: 'topk'", field="topk"),
    errors.ModelNotNamed(
        "2 models are served here, so one must be named",
        field="model",
        models=[CLASSIFIER, DETECTOR],
    ),
    errors.TaskNotNamed(
        "auto chooses among the models of one task, and 2 tasks are served",
        field="task",
        tasks=["classification", "detection"],
    ),
    errors.MalformedUpload("the form has no part named 'file'", field="file"),
    errors.Unauthenticated("no API key was sent"),
    errors.ModelControlOff("models cannot be loaded or unloaded through this gateway"),
    errors.ForeignOrigin("a web page of another origin may not load or unload models"),
    errors.Forbidden("the key 'phone' lacks the scope 'predict'", "predict"),
    errors.UnknownModel("there is no model 'mbv2'", field="model", models=[CLASSIFIER, DETECTOR]),
    errors.UnknownVersion(
        f"model {CLASSIFIER!r} has no version '7' ready", field="version", versions=["1"]
    ),
    errors.UnknownShadow(f"no route {CLASSIFIER!r} has a shadow", field="name", shadows=["signs"]),
    errors.BodyTimeout("the body did not arrive in time"),
    errors.ModelNotServable("model 'resnet': its config.pbtxt has no parameter fovea_recipe"),
    errors.ModelNotLoaded(f"no version of model {CLASSIFIER!r} is loaded"),
    errors.BodyTooLarge("the body exceeds 20000000 bytes", max_body_bytes=20_000_000),
    errors.ImageTooLarge(
        "the image has 60000x60000 pixels", max_pixels=50_000_000, max_side=16_384
    ),
    errors.TooManyImages("33 images", field="images", max_images=32),
    errors.UnsupportedMediaType("the Content-Type is 'text/plain'", field="content-type"),
    errors.UnknownHost("this gateway does not answer for the host of the URL", field="host"),
    errors.InvalidParameter("'top_k': Input should be greater than or equal to 1", field="top_k"),
    errors.BudgetTooSmall(
        f"no model's recent p95 is within 5 ms; the fastest, {CLASSIFIER!r}, has 14.2 ms",
        field="budget_ms",
        remedy="give 14.2 or more",
        budget_ms=5.0,
        fastest_ms=14.2,
        fastest_model=CLASSIFIER,
    ),
    errors.UnreadableImage("the file is no image of a format that is read here"),
    errors.RateLimited(
        "more than 2 requests a second, or 20 at once",
        retry_after_seconds=1,
        quota=20,
        window_seconds=10,
    ),
    errors.InternalError("the gateway failed; its log has the cause"),
    errors.InferenceFailed("the model failed at this request"),
    errors.UnexpectedOutput("output 'OUTPUT__0' does not hold finite floats"),
    errors.LoadFailed(f"model {CLASSIFIER!r}: its config.pbtxt is missing or wrong"),
    errors.Overloaded(
        f"model {CLASSIFIER!r} and its queue are full", retry_after_seconds=2, limit=8, queued=1
    ),
    errors.QueueFull("the request waited too long in the model's queue"),
    errors.BackendUnavailable("the inference server cannot be reached"),
    errors.ModelNotReady(f"model {CLASSIFIER!r}: no version of it is loaded"),
    errors.ModelBroken(
        f"model {CLASSIFIER!r} fails at every request; it is tried again by itself",
        retry_after_seconds=4,
    ),
    errors.NotReady(f"not ready: {CLASSIFIER}", models=[CLASSIFIER]),
    errors.LoadTimeout(f"the inference server is still at work on model {CLASSIFIER!r}"),
    errors.DeadlineExceeded(Stage.INFER, STAGES | {Stage.INFER: 9.9974}),
)
# Where the path names the model.
NAMED = ERRORS | _by_kind(
    errors.UnknownModel("there is no model 'mbv2_simam'", field="name", models=[DETECTOR]),
    errors.InvalidParameter("'name': String should have at most 128 characters", field="name"),
    errors.Forbidden("the key 'phone' lacks the scope 'admin'", "admin"),
)
# Where TorchServe's does.
PREDICTED = ERRORS | _by_kind(
    errors.UnknownModel(
        "there is no model 'mbv2_simam'",
        field="model",
        remedy=f"perhaps {DETECTOR!r} is meant; else use one of the names in `models`",
        models=[DETECTOR],
    ),
    errors.TooManyImages("the form has 2 files", field="file", max_images=1),
    errors.InvalidParameter("'model': String should have at most 128 characters", field="model"),
)
# Where several models are named.
COMPARED = ERRORS | _by_kind(
    errors.UnknownModel(
        "nobody is called 'mbv2', 'mbv3'",
        field="models",
        models=[CLASSIFIER, DETECTOR],
        unknown=["mbv2", "mbv3"],
    ),
    errors.UnknownVersion(
        f"model {CLASSIFIER!r} has no version '7' ready", field="models", versions=["1"]
    ),
    errors.InvalidParameter(
        f"{CLASSIFIER!r} is named twice", field="models", remedy="name each model once"
    ),
)


def error(kind: type[GatewayError], path: str) -> GatewayError:
    """One of ``kind``, as it happens at the route ``path``."""
    if path == "/compare":
        return COMPARED[kind]
    named = NAMED if "{name}" in path else ERRORS
    return (PREDICTED if "{model}" in path else named)[kind]


def document(happened: GatewayError, path: str) -> dict[str, Any]:
    """The problem that tells of ``happened`` to whoever asked the route ``path``."""
    return problem(
        happened, path.format(name=CLASSIFIER, number=1, model=CLASSIFIER, version="7"), REQUEST_ID
    )


def bare(status: int, path: str) -> dict[str, Any]:
    """The problem of the router's own refusals."""
    response = answer_status(status, path, REQUEST_ID, None)
    told: dict[str, Any] = json.loads(bytes(response.body))
    return told
