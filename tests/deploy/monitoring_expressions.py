"""Every PromQL expression of rules and dashboards, and the names that they may use."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.service.test_metrics_page import PAGE, ROW

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
PROMETHEUS = MONITORING / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
DASHBOARDS = sorted((MONITORING / "grafana/dashboards").glob("*.json"))

TRITON = {
    "nv_cpu_memory_total_bytes", "nv_cpu_memory_used_bytes", "nv_cpu_utilization",
    "nv_inference_compute_infer_duration_us", "nv_inference_compute_input_duration_us",
    "nv_inference_compute_output_duration_us", "nv_inference_count", "nv_inference_exec_count",
    "nv_inference_pending_request_count", "nv_inference_queue_duration_us",
    "nv_inference_request_duration_us", "nv_inference_request_failure",
    "nv_inference_request_success",
}  # fmt: skip
TRITON_WITH_GPU = {
    "nv_energy_consumption", "nv_gpu_memory_total_bytes", "nv_gpu_memory_used_bytes",
    "nv_gpu_power_limit", "nv_gpu_power_usage", "nv_gpu_utilization",
}  # fmt: skip
DCGM = {  # of dcgm-exporter's etc/default-counters.csv
    "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_SM_CLOCK", "DCGM_FI_DEV_XID_ERRORS",
}  # fmt: skip
PROCESS = {
    "process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds",
}  # fmt: skip
OF_PROMETHEUS = {"ALERTS", "up"}
ON_GPUS = TRITON_WITH_GPU | DCGM

# Every label of our series, and of Triton's that are used here.
LABELS = {name: set(re.findall(r"`(\w+)`", labels)) for name, _, labels, _ in ROW.findall(PAGE)}
WORDS = r"and|or|unless|on|ignoring|group_left|group_right|by|without|offset|bool|inf|nan"
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")


@dataclass(frozen=True)
class Expression:
    """PromQL, and where it stands; ``record`` and ``alert`` are its name if it is a rule."""

    where: str
    promql: str
    record: str = ""
    alert: str = ""

    def plain(self) -> str:
        """Without Grafana's variables."""
        return re.sub(r"\$(model|route|shadow)", ".*", self.promql).replace(
            "$__rate_interval", "1m"
        )

    def series(self) -> set[str]:
        """The names of the series that it asks for."""
        bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"", " ", self.plain())
        bare = re.sub(r"\boffset\s+\w+", " ", GROUPING.sub(" ", bare))
        names = re.findall(r"(?<![\w.:])[A-Za-z_:][\w:]*(?!\w*\s*\()", bare)
        return {name for name in names if not re.fullmatch(WORDS, name)}

    def matchers(self) -> Iterator[tuple[str, str, str]]:
        """Series, label and pattern of every matcher with a value that is no variable."""
        for name, inside in re.findall(r"([A-Za-z_:][\w:]*)\{([^}]*)\}", self.promql):
            for label, pattern in re.findall(r'(\w+)\s*[!=]~?\s*"([^"]*)"', inside):
                if "$" not in pattern:
                    yield name, label, pattern


def rules() -> Iterator[dict]:
    for file in RULES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from ({**rule, "file": file.name} for rule in group["rules"])


def alerts() -> dict[str, dict]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def dashboards() -> dict[str, dict]:
    return {file.stem: json.loads(file.read_text()) for file in DASHBOARDS}


def panels(board: dict) -> list[dict]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> list[Expression]:
    found = []
    for rule in rules():
        record, alert = rule.get("record", ""), rule.get("alert", "")
        found.append(Expression(f"{rule['file']}: {record or alert}", rule["expr"], record, alert))
    for name, board in dashboards().items():
        for panel in panels(board):
            for target in panel["targets"]:
                where = f"{name}: {panel['title']} ({panel['id']}{target['refId']})"
                found.append(Expression(where, target["expr"]))
        (annotation,) = board["annotations"]["list"]
        found.append(Expression(f"{name}: annotations", annotation["expr"]))
    return found


def recorded() -> set[str]:
    return {rule["record"] for rule in rules() if "record" in rule}


def family(series: str) -> str:
    """The name in docs/metrics.md: that of a histogram is without its suffixes."""
    bare = re.sub(r"_(bucket|sum|count)$", "", series)
    return bare if bare in LABELS else series


def known() -> set[str]:
    return LABELS.keys() | TRITON | TRITON_WITH_GPU | DCGM | PROCESS | OF_PROMETHEUS | recorded()
