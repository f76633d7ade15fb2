"""Settings come from the environment, and wrong ones stop the start."""

import pytest
from pydantic import ValidationError

from service.settings import Settings, SettingsError


def test_a_variable_overrides_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEA_TIMEOUT_SECONDS", "0.5")
    assert Settings.load().timeout_seconds == 0.5


def test_an_argument_overrides_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEA_PORT", "1")
    assert Settings.load(port=2).port == 2


def test_a_misspelt_variable_is_refused_with_the_right_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOVEA_TIMEOUT_SECOND", "5")
    with pytest.raises(SettingsError, match="did you mean FOVEA_TIMEOUT_SECONDS"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FOVEA_PORT", "http"),
        ("FOVEA_PORT", "70000"),
        ("FOVEA_TIMEOUT_SECONDS", "0"),
        ("FOVEA_TIMEOUT_SECONDS", "inf"),
        ("FOVEA_MAX_IN_FLIGHT", "0"),
        ("FOVEA_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.load()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_the_table_has_a_meaning_for_every_variable() -> None:
    table = Settings.table()
    for name, field in Settings.model_fields.items():
        assert f"FOVEA_{name.upper()} " in table
        assert field.description
