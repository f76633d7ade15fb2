"""checkov finds nothing, but for what k8s/checkov.yaml leaves out with a reason."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.kubernetes import OVERLAYS, ROOT, needs_kubectl, render

CONFIG = ROOT / "k8s/checkov.yaml"
CHECKOV = shutil.which("checkov")


@needs_kubectl
@pytest.mark.skipif(CHECKOV is None, reason="checkov is not installed: pipx install checkov")
def test_no_check_fails(tmp_path: Path) -> None:
    for overlay in OVERLAYS:
        file = tmp_path / f"{overlay.replace('/', '-')}.yaml"
        file.write_text(yaml.safe_dump_all(render(overlay)))
    command = [str(CHECKOV), "--config-file", str(CONFIG), "--directory", str(tmp_path)]
    done = subprocess.run(
        [*command, "--output", "json", "--skip-download"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    assert found["summary"]["parsing_errors"] == 0
    failed = [(one["check_id"], one["resource"]) for one in found["results"]["failed_checks"]]
    assert failed == []
    assert found["summary"]["passed"] > 100 * len(OVERLAYS)


def test_each_exception_has_a_reason() -> None:
    lines = [line.strip() for line in CONFIG.read_text().splitlines()]
    listed = [number for number, line in enumerate(lines) if line.startswith("- CKV")]
    assert len(listed) == len(yaml.safe_load(CONFIG.read_text())["skip-check"])
    assert all(lines[number - 1].startswith("# ") for number in listed)
