"""What several servers tell is put together; numbers are numbers."""

from typing import Any

from tritonclient.grpc import model_config_pb2, service_pb2

from service.backend import Subject
from service.triton.descriptions import as_json, told


def statistics(version: str, count: int, batches: dict[int, int], last: int) -> Any:
    answer = service_pb2.ModelStatisticsResponse()
    model = answer.model_stats.add(
        name="signs", version=version, inference_count=count, last_inference=last
    )
    model.inference_stats.success.ns = 10 * count
    for size, times in batches.items():
        model.batch_stats.add(batch_size=size).compute_infer.count = times
    return answer


def test_counts_of_several_servers_are_added() -> None:
    answers = [
        statistics("1", 3, {1: 3}, 50),
        statistics("1", 4, {1: 2, 2: 1}, 40),
        statistics("2", 5, {}, 1),
    ]
    first, second = told(Subject.STATISTICS, answers)["model_stats"]
    assert (first["version"], first["inference_count"], first["last_inference"]) == ("1", 7, 50)
    assert first["inference_stats"]["success"] == {"count": 0, "ns": 70}
    batches = [(one["batch_size"], one["compute_infer"]["count"]) for one in first["batch_stats"]]
    assert batches == [(1, 5), (2, 1)]
    assert (second["version"], second["inference_count"]) == ("2", 5)


def test_what_is_ready_somewhere_is_ready() -> None:
    here, there = service_pb2.RepositoryIndexResponse(), service_pb2.RepositoryIndexResponse()
    here.models.add(name="signs", version="1", state="UNAVAILABLE", reason="unloaded")
    there.models.add(name="signs", version="1", state="READY")
    there.models.add(name="other")
    ready = {"name": "signs", "version": "1", "state": "READY"}
    for answers in ([here, there], [there, here]):
        index = told(Subject.REPOSITORY, answers)
        assert ready in index
        assert {"name": "other"} in index
        assert len(index) == 2


def test_only_what_has_a_value_of_its_own_may_be_missing() -> None:
    config = model_config_pb2.ModelConfig(name="m")
    config.input.add(name="x", data_type="TYPE_FP32", dims=[2**40])
    config.parameters["a"].string_value = "b"
    config.dynamic_batching.SetInParent()
    told = as_json(config)
    assert told["input"][0]["data_type"] == "TYPE_FP32"
    assert told["input"][0]["dims"] == [2**40]
    assert told["parameters"] == {"a": {"string_value": "b"}}
    assert told["max_batch_size"] == 0
    assert told["dynamic_batching"]["preferred_batch_size"] == []
    assert "sequence_batching" not in told
