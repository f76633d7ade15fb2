"""What /openapi.json says holds: schemathesis asks all that it describes, and what it forbids."""

import shutil
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckContext, not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks

from tests.e2e.stack import REPOSITORY, Stack, serve
from tests.images import encode, jpeg, quarters
from tests.service.openapi import DOCUMENT

EXAMPLES = 80  # of each operation that takes anything, beside those at the edges of its schemas
SERVED, SPARE = "mbv2_simam", "spare"  # the spare one is loaded and unloaded
# A model that is not loaded, and a caller who gives no time, are no faults.
EXPECTED = {"model-not-ready": 503, "deadline-exceeded": 504}
IMAGES = [jpeg(), encode(quarters()), encode(quarters(), "WEBP"), jpeg()[:300]]

for kind in ("image/*", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, st.sampled_from(IMAGES) | st.binary(max_size=64))
api = schemathesis.openapi.from_dict(DOCUMENT, config=schemathesis.Config.from_dict({"seed": 1}))


def no_fault(ctx: CheckContext, response: Response, case: schemathesis.Case) -> bool | None:
    """No 5xx, but where the caller asks for what cannot be."""
    kind = response.json()["type"].rpartition(":")[2] if response.status_code >= 500 else ""
    if EXPECTED.get(kind) == response.status_code:
        return None
    return not_a_server_error(ctx, response, case)


def refused(ctx: CheckContext, response: Response, case: schemathesis.Case) -> bool | None:
    """What is wrong is refused as such, but where the time was up before it was seen."""
    if response.status_code == 408:
        return None
    return checks.negative_data_rejection(ctx, response, case)


CHECKS = [
    no_fault,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    refused,
    checks.unsupported_method,
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, because models are loaded and unloaded."""
    folder = tmp_path_factory.mktemp("openapi")
    for name in (SERVED, SPARE):
        shutil.copytree(REPOSITORY / SERVED, folder / "models" / name)
    config = folder / "models" / SPARE / "config.pbtxt"
    config.write_text(config.read_text().replace(f'"{SERVED}"', f'"{SPARE}"'))
    with serve(folder / "log", SERVED, folder / "models", FOVEA_MODEL_CONTROL="true") as running:
        yield running


def test_the_description_that_is_tried_is_the_one_that_is_served(stack: Stack) -> None:
    assert httpx.get(f"{stack.url}/openapi.json").json() == DOCUMENT


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_described(case: schemathesis.Case, stack: Stack) -> None:
    if case.operation.path.endswith("load") and case.path_parameters["name"] == SERVED:
        case.path_parameters["name"] = SPARE  # the other one is asked for predictions meanwhile
    case.call_and_validate(base_url=stack.url, checks=CHECKS)
