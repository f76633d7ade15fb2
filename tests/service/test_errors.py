"""The tree of errors is drawn in full, exported in full, and documented in full."""

from pathlib import Path

import pytest

from service import errors
from service.settings import Settings

KINDS = errors.GatewayError.__subclasses__()
DOCUMENT = (Path(__file__).parents[2] / "docs/http-api.md").read_text()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_error_is_drawn_exported_and_documented(kind: type[errors.GatewayError]) -> None:
    drawn = next(
        line for line in (errors.__doc__ or "").splitlines() if f"─ {kind.__name__} " in line
    )
    assert f" {kind.status} " in drawn
    row = next(line for line in DOCUMENT.splitlines() if f"| `{kind.code()}` |" in line)
    assert f"| {kind.status} |" in row
    assert kind.__name__ in errors.__all__
    assert getattr(errors, kind.__name__) is kind


def test_nothing_is_drawn_that_does_not_exist() -> None:
    drawn = [line for line in (errors.__doc__ or "").splitlines() if "── " in line]
    assert len(drawn) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_only_what_may_pass_asks_to_try_again(kind: type[errors.GatewayError]) -> None:
    assert (kind.retry_after_seconds is not None) == (kind.status == 503)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_is_documented(name: str) -> None:
    default = Settings.model_fields[name].default
    row = next(line for line in DOCUMENT.splitlines() if f"| `FOVEA_{name.upper()}` |" in line)
    if name != "decode_threads":
        assert f"| {default} |" in row
