"""Whether a system serves, and whether what it says is right."""

import http.client
import json
import time
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from benchmarks.alternatives.image import pixels
from benchmarks.load.http import HOST
from benchmarks.load.plan import Target

START_SECONDS = 120  # for a system to come up
POLL_SECONDS = 0.2
TOLERANCE = 0.01  # of a probability: decoders of JPEG differ in the last bit
Scores = NDArray[np.float32]


class NotServedError(Exception):
    """A system that cannot be measured; the message says why, ``log`` how its log ends."""

    def __init__(self, why: str, log: str = "") -> None:
        super().__init__(why)
        self.log = log


def wait_for_scores(target: Target, process: psutil.Process, log: Path) -> Scores:
    """The first answer of a system that was just started.

    Raises:
        NotServedError: its process ended, or it gave no answer within START_SECONDS.
    """
    end = time.monotonic() + START_SECONDS
    why = "no answer"
    while time.monotonic() < end and process.is_running():
        if process.status() == psutil.STATUS_ZOMBIE:
            why = "its process ended"
            break
        try:
            return scores(target)
        except (OSError, http.client.HTTPException, InferenceServerException) as error:
            why = str(error) or type(error).__name__
        time.sleep(POLL_SECONDS)
    raise NotServedError(why, log.read_text(errors="replace")[-2000:])


def scores(target: Target) -> Scores:
    """Class probabilities, in the order of the classes, of the target's image.

    Raises:
        OSError, http.client.HTTPException, InferenceServerException: it does not serve (yet).
    """
    return _from_triton(target) if target.protocol == "triton" else _from_http(target)


def agree(ours: Scores, theirs: Scores) -> bool:
    """Whether two systems name the same class, with the same probabilities."""
    same_class = int(ours.argmax()) == int(theirs.argmax())
    return same_class and bool(np.allclose(ours, theirs, atol=TOLERANCE, rtol=0))


def _from_http(target: Target) -> Scores:
    connection = http.client.HTTPConnection(HOST, target.port, timeout=30)
    try:
        body = target.image.read_bytes()
        connection.request("POST", target.path, body, {"Content-Type": "image/jpeg"})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise http.client.HTTPException(f"status {response.status}: {content[:200]!r}")
    answer = json.loads(content)
    if isinstance(answer, dict):  # Fovea's: best first
        best = sorted(answer["predictions"], key=lambda one: one["class_id"])
        answer = [one["score"] for one in best]
    return np.array(answer, np.float32)


def _from_triton(target: Target) -> Scores:
    image = pixels(target.image.read_bytes())[None]
    tensor = InferInput("INPUT__0", image.shape, "UINT8").set_data_from_numpy(image)
    with InferenceServerClient(f"{HOST}:{target.port}") as client:
        answer = client.infer(target.path, [tensor]).as_numpy("OUTPUT__0")
    result: Scores = answer[0]
    return result
