"""Triton and its GPUs: who is well, how full they are, how well requests are joined."""

from monitoring.boards.panels import Board, Panel, Query, Row, Variable
from monitoring.boards.queries import MODEL, ratio, total

TROUBLE = {"0": ("no", "green"), "1": ("yes", "red")}

HEALTH = Row(
    "As the gateways see it",
    [
        Panel(
            "Up",
            "Which Tritons answer. docs/runbooks.md#tritonendpointdown",
            [
                Query(
                    'max by (endpoint) (fovea_endpoint_health{health="up"})',
                    "{{endpoint}}",
                )
            ],
            kind="state-timeline",
            names={"0": ("down", "red"), "1": ("up", "green")},
        ),
        Panel(
            "Breaker open",
            "Models that are not asked because they fail; those that never failed are not shown. "
            "docs/runbooks.md#breakeropen",
            [
                Query(
                    f'max by (endpoint, model) (fovea_breaker_state{{state="open", {MODEL}}})',
                    "{{model}} at {{endpoint}}",
                )
            ],
            kind="state-timeline",
            names=TROUBLE,
        ),
        Panel(
            "Models and catalogue",
            "Models that can be asked, and seconds since Triton last told. "
            "docs/runbooks.md#cataloguestale",
            [
                Query("min(fovea_models)", "models"),
                Query("max(fovea_catalog_age_seconds)", "age in seconds"),
            ],
        ),
        Panel(
            "Blank images tried",
            "On models that nobody has asked for a while, by what came of it. "
            "docs/runbooks.md#canaryfails",
            [Query(total("fovea_canaries_total", "model, result", MODEL), "{{model}} {{result}}")],
            "reqps",
        ),
        Panel(
            "Tried again",
            "By what the first try ended in; refused are those over the budget of retries.",
            [
                Query(total("fovea_retries_total", "fault"), "{{fault}}"),
                Query(total("fovea_retries_refused_total", "fault"), "{{fault}}, refused"),
            ],
            "reqps",
        ),
    ],
)

INFERENCE = Row(
    "Inference",
    [
        Panel(
            "Images",
            "Inferred a second, with those of warm-ups and of tries.",
            [Query(total("nv_inference_count", "model", MODEL), "{{model}}")],
            "ops",
        ),
        Panel(
            "Images in a batch",
            "Mean: images over executions. Near 1 under load, nothing is joined.",
            [
                Query(
                    ratio(
                        total("nv_inference_count", "model", MODEL),
                        total("nv_inference_exec_count", "model", MODEL),
                    ),
                    "{{model}}",
                )
            ],
        ),
        Panel(
            "Share of the queue",
            "Of the time of requests inside Triton.",
            [
                Query(
                    ratio(
                        total("nv_inference_queue_duration_us", "model", MODEL),
                        total("nv_inference_request_duration_us", "model", MODEL),
                    ),
                    "{{model}}",
                )
            ],
            "percentunit",
            steps=((0.5, "red"),),
            top=1,
        ),
        Panel(
            "Time of an execution",
            "Mean time that the model itself takes, for each batch.",
            [
                Query(
                    ratio(
                        total("nv_inference_compute_infer_duration_us", "model", MODEL),
                        total("nv_inference_request_success", "model", MODEL),
                    )
                    + " / 1e6",
                    "{{model}}",
                )
            ],
            "s",
        ),
        Panel(
            "Waiting",
            "Requests that wait to be executed: what autoscaling rests on. "
            "docs/runbooks.md#tritonqueuegrows",
            [Query(f"sum by (model) (nv_inference_pending_request_count{{{MODEL}}})", "{{model}}")],
        ),
        Panel(
            "Failures",
            "By Triton's reason.",
            [
                Query(
                    total("nv_inference_request_failure", "model, reason", MODEL),
                    "{{model}} {{reason}}",
                )
            ],
            "reqps",
        ),
    ],
)

HOST = Row(
    "Machine",
    [
        Panel(
            "Processor",
            "Of the whole machine.",
            [Query("max by (instance) (nv_cpu_utilization)", "{{instance}}")],
            "percentunit",
            width=12,
            top=1,
        ),
        Panel(
            "Memory",
            "Of the whole machine. docs/runbooks.md#hostmemorynearlimit",
            [
                Query(
                    "max by (instance) (nv_cpu_memory_used_bytes / nv_cpu_memory_total_bytes)",
                    "{{instance}}",
                )
            ],
            "percentunit",
            width=12,
            steps=((0.95, "red"),),
            top=1,
        ),
    ],
)

GPU = Row(
    "GPUs",
    [
        Panel(
            "Utilisation",
            "Share of time in which any kernel ran; it says nothing of how much of the GPU ran it.",
            [Query("max by (gpu_uuid) (nv_gpu_utilization)", "{{gpu_uuid}}")],
            "percentunit",
            top=1,
        ),
        Panel(
            "Memory",
            "Used, of what there is. docs/runbooks.md#gpumemorynearlimit",
            [
                Query(
                    "max by (gpu_uuid) (nv_gpu_memory_used_bytes / nv_gpu_memory_total_bytes)",
                    "{{gpu_uuid}}",
                )
            ],
            "percentunit",
            steps=((0.95, "red"),),
            top=1,
        ),
        Panel(
            "Power",
            "Against the limit that the GPU is held to.",
            [
                Query("max by (gpu_uuid) (nv_gpu_power_usage)", "{{gpu_uuid}}"),
                Query("max by (gpu_uuid) (nv_gpu_power_limit)", "{{gpu_uuid}}, limit"),
            ],
            "watt",
        ),
        Panel(
            "Temperature and clock",
            "A clock that falls while the temperature is high is throttling.",
            [
                Query("max by (gpu) (DCGM_FI_DEV_GPU_TEMP)", "{{gpu}} °C"),
                Query("max by (gpu) (DCGM_FI_DEV_SM_CLOCK)", "{{gpu}} MHz"),
            ],
        ),
        Panel(
            "Energy for an image",
            "Joules that the GPUs took, over images inferred.",
            [
                Query(
                    ratio(total("nv_energy_consumption", ""), total("nv_inference_count", "")),
                    "all GPUs",
                )
            ],
            "joule",
        ),
        Panel(
            "Last error",
            "NVIDIA's XID of the last error; 0 is none.",
            [Query("max by (gpu) (DCGM_FI_DEV_XID_ERRORS)", "{{gpu}}")],
            kind="state-timeline",
            width=24,
            height=5,
            steps=((1, "red"),),
        ),
    ],
)

BOARD = Board(
    "fovea-triton",
    "Fovea: Triton and GPU",
    "Which Tritons are well, how full they are, and how well requests are joined.",
    [HEALTH, INFERENCE, HOST, GPU],
    [Variable("model", "model", "nv_inference_count")],
)
