"""python -m service routes check: what it prints, and how it ends."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.__main__ import main
from service.routing.check import check
from tests.service.routing.test_spec import EXAMPLE, PAGE


def test_the_example_of_the_page_comes_to_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("routes.toml").write_text(EXAMPLE)
    assert main(["routes", "check", "routes.toml"]) == 0
    told = capsys.readouterr()
    shown = re.search(r"( +ROUTE .*?)\n\n\S", PAGE, re.DOTALL)
    assert shown is not None
    assert told.out.splitlines() == [line.removeprefix("    ") for line in shown[1].splitlines()]
    assert told.err == ""


def test_the_faults_that_the_page_shows_are_those_that_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = EXAMPLE.replace('"mbv2_cbam" = 5', '"mbv2 cbam" = 5').replace("fallback =", "falback =")
    Path("routes.toml").write_text(wrong)
    assert main(["routes", "check", "routes.toml"]) == 1
    told = capsys.readouterr()
    assert [f"    {line}" for line in told.err.splitlines()] == re.findall(
        r"^    routes\.toml:\d+: .*", PAGE, re.MULTILINE
    )
    assert told.out == ""


ODD = """\
[defaults]
classification = "sings"
detection = "auto"

[routes.signs]
to = { "a@1" = 3, "b" = 1 }
fallback = [
    "signs",
    "other",
]
fallback_when = []

[routes.other]
to = "a@2"
fallback_when = ["slow"]
shadow = { to = "c", share = 0.005 }

[auto.detection]
models = ["d"]
"""


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("odd").write_text(ODD)
    for version in ("a/1", "b/1", "c/x", "sings/1", "signs/1", "other/1"):
        Path("models", version).mkdir(parents=True)
    return Path("odd")


def test_what_was_hardly_meant_is_a_warning(odd: Path) -> None:
    summary, warnings = check(odd)
    assert warnings == [
        "odd:2: defaults.classification: warning: there is no route 'sings'; did you mean 'signs'?",
        "odd:9: routes.signs.fallback[1]: warning: 'other' is a route too; "
        "here the model of that name is meant",
        "odd:11: routes.signs.fallback_when: warning: it is empty: no fallback ever takes over",
        "odd:15: routes.other.fallback_when: warning: the route has no fallback",
    ]
    assert summary == [
        "ROUTE  TARGETS           FALLBACK                   SHADOW",
        "signs  a@1 75 %, b 25 %  signs, other (when never)  -",
        "other  a@2 100 %         -                          c sees 0.5 %",
        "",
        "the default for classification is sings",
        "the default for detection is auto",
        "auto chooses for detection among d",
        "odd is right",
    ]


def test_what_the_repository_lacks_is_a_warning(
    odd: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["routes", "check", "odd", "--model-repository", "models"]) == 0
    warnings = capsys.readouterr().err.splitlines()
    assert [int(line.split(":")[1]) for line in warnings] == [2, 9, 11, 14, 15, 16, 19]
    assert [line for line in warnings if "models" in line] == [
        "odd:14: routes.other.to: warning: models/a has no version '2'",
        "odd:16: routes.other.shadow.to: warning: models/c has no version",
        "odd:19: auto.detection.models[0]: warning: models has no model 'd'",
    ]


def test_a_file_that_is_not_there_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routes", "check", "nope.toml"]) == 1
    assert capsys.readouterr().err == "nope.toml: No such file or directory\n"


@pytest.mark.parametrize(
    "arguments", [[], ["chek", "f"], ["check"], ["check", "f", "--model-repository", "nope"]]
)
def test_what_it_cannot_do_is_said(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["routes", *arguments])
    assert left.value.code == 2
    assert "usage: python -m service routes" in capsys.readouterr().err


def test_it_needs_no_gateway(odd: Path) -> None:
    """It may run at each commit, and the gateway alone takes a second to import."""
    code = (
        "import sys; from service.__main__ import main; code = main(sys.argv[1:]); "
        "print({'fastapi', 'grpc', 'uvicorn', 'prometheus_client'} & set(sys.modules)); "
        "sys.exit(code)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, "routes", "check", str(odd)],
        capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert process.stdout.splitlines()[-1] == "set()"


def test_a_gateway_with_a_wrong_file_does_not_start(odd: Path) -> None:
    odd.write_text("[routes.signs]\n[zzz]\n")
    process = subprocess.run(
        [sys.executable, "-m", "service", "--port", "0"],
        capture_output=True, text=True, check=False, timeout=60,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "FOVEA_ROUTES_FILE": "odd"},
    )  # fmt: skip
    assert process.returncode == 2
    assert process.stderr.splitlines()[-2:] == [
        "python -m service: FOVEA_ROUTES_FILE: odd:1: routes.signs: 'to' is missing",
        "odd:2: zzz: unknown key; there are auto, defaults, routes",
    ]
