"""How a server is started: cores, ports, arguments, environment, leftovers, and its log's words."""

import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runtime import leftovers, tether
from runtime.__main__ import parse
from runtime.cores import cpu_quota, usable_cores
from runtime.errors import RepositoryError
from runtime.launch import TritonConfig, check_repository, server_arguments, server_environment
from runtime.layout import Layout
from runtime.log import failure_in, news_in, readable
from runtime.ports import Ports
from runtime.wheel import locate

LAYOUT = Layout(Path("/backends"), Path("/working"))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_tightest_control_group_on_the_way_up_counts(tmp_path):
    write(tmp_path / "a/cpu.max", "150000 100000\n")
    write(tmp_path / "a/b/cpu.max", "max 100000\n")
    assert cpu_quota(tmp_path, "0::/a/b\n") == 1.5
    assert cpu_quota(tmp_path, "0::/\n") == math.inf


def test_the_older_control_groups_are_read_too(tmp_path):
    write(tmp_path / "cpu/cpu.cfs_quota_us", "-1\n")
    write(tmp_path / "cpu/cpu.cfs_period_us", "100000\n")
    write(tmp_path / "cpu/box/cpu.cfs_quota_us", "50000\n")
    write(tmp_path / "cpu/box/cpu.cfs_period_us", "100000\n")
    assert cpu_quota(tmp_path, "4:memory:/x\n3:cpuset:/x\n2:cpu,cpuacct:/box\n") == 0.5
    assert cpu_quota(tmp_path, "2:cpu,cpuacct:/\n") == math.inf


def test_usable_cores_are_within_the_affinity_mask():
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))


def test_ports_left_out_are_free_and_different():
    ports = Ports.choose(grpc=20001)
    assert ports.grpc == 20001
    assert len({ports.http, ports.grpc, ports.metrics}) == 3


def test_only_loopback_is_listened_on_and_only_named_models_are_loaded():
    config = TritonConfig(Path("repository"), ("a", "b"), Ports(1, 2, 3))
    arguments = server_arguments(config, LAYOUT, "prefix-")
    assert {a for a in arguments if "address" in a} == {
        f"--{protocol}-address=127.0.0.1" for protocol in ("http", "grpc", "metrics")
    }
    assert [a for a in arguments if "load-model" in a] == ["--load-model=a", "--load-model=b"]
    everything = server_arguments(TritonConfig(Path("repository")), LAYOUT, "prefix-")
    assert "--load-model=*" in everything


def test_a_container_is_reached_from_outside_and_tells_only_its_health_without_the_secret(tmp_path):
    write(tmp_path / "secret", "key=s3:cr=t\n")
    config, _ = parse(
        ["--repository", "r", "--address", "0.0.0.0", "--secret-file", str(tmp_path / "secret")]
    )
    arguments = server_arguments(config, LAYOUT, "prefix-")
    assert "--grpc-address=0.0.0.0" in arguments
    closed = [a for a in arguments if "-restricted-" in a]
    assert [a.partition("=")[0] for a in closed] == [
        "--http-restricted-api",
        "--grpc-restricted-protocol",
    ]
    for argument in closed:
        groups = argument.partition("=")[2].removesuffix(":key=s3:cr=t").split(",")
        assert {"inference", "metadata", "model-config", "model-repository"} < set(groups)
        assert "health" not in groups
    assert "s3" not in repr(config)


def test_without_a_secret_nothing_is_restricted():
    config, _ = parse(["--repository", "r"])
    assert not any("restricted" in a for a in server_arguments(config, LAYOUT, "prefix-"))


@pytest.mark.parametrize("content", ["", "key", "=secret", "key=", "a:b=secret", None])
def test_a_file_without_a_secret_is_refused(tmp_path, capsys, content):
    if content is not None:
        write(tmp_path / "secret", content)
    with pytest.raises(SystemExit):
        parse(["--repository", "r", "--secret-file", str(tmp_path / "secret")])
    expected = "No such file" if content is None else "must hold KEY=SECRET"
    assert expected in capsys.readouterr().err


def test_the_environment_has_our_interpreter_first_and_none_of_its_settings():
    inherited = {"PATH": "/bin", "PYTHONPATH": "/elsewhere", "LD_LIBRARY_PATH": "/x", "HOME": "/h"}
    wheel = locate()
    result = server_environment(TritonConfig(Path(), threads=3), wheel, inherited)
    assert result["PATH"] == f"{Path(sys.executable).parent}:/bin"
    assert result["LD_LIBRARY_PATH"] == ":".join(map(str, wheel.library_folders))
    assert result["OMP_NUM_THREADS"] == "3"
    assert result["HOME"] == "/h"
    assert "PYTHONPATH" not in result


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (("other",), "there is no model 'other': .* holds add, bare"),
        (("add", "bare"), "'bare' is not built: run `make models MODELS=bare`"),
    ],
)
def test_a_repository_without_the_model_is_refused_early(tmp_path, models, message):
    write(tmp_path / "add/config.pbtxt", "")
    write(tmp_path / "add/1/model.pt", "")
    write(tmp_path / "bare/config.pbtxt", "")
    check_repository(TritonConfig(tmp_path, ("add",)))
    with pytest.raises(RepositoryError, match=message):
        check_repository(TritonConfig(tmp_path, models))
    with pytest.raises(RepositoryError, match="does not exist"):
        check_repository(TritonConfig(tmp_path / "nowhere"))


PREFIX = "E1121 08:42:52.036977 7430 model_lifecycle.cc:642] "


@pytest.mark.parametrize(
    ("line", "failure"),
    [
        (
            "failed to load 'a' version 1: Internal: TritonModelException: bad\\n\\nAt:\\n  /x.py",
            ("a", "bad"),
        ),
        (
            "failed to load 'a' version 1: Invalid argument: no GPU",
            ("a", "Invalid argument: no GPU"),
        ),
        ("failed to load model 'a': no version", ("a", "no version")),
        ("Poll failed for model directory 'a': broken text", ("a", "broken text")),
        ("successfully loaded 'a'", None),
    ],
)
def test_a_models_failure_is_read_from_the_log(line, failure):
    assert failure_in(f'{PREFIX}"{line}"\n') == failure


def test_news_is_progress_and_warnings_without_driver_noise():
    assert news_in(f'{PREFIX}"loading: mbv2:3"\n') == "loading mbv2 version 3"
    assert news_in(f"{PREFIX}\"successfully loaded 'mbv2'\"\n") == "loaded mbv2"
    assert news_in(f'{PREFIX}"disk is full"\n') == "disk is full"
    assert news_in(f'I{PREFIX[1:]}"Collecting CPU metrics"\n') is None
    assert news_in(f'{PREFIX}"CudaDriverHelper has not been initialized."\n') is None
    assert readable("| Option | Value |\n") is None
    assert readable("error: creating server\n") == "error: creating server"


def test_what_a_dead_owner_left_is_swept_and_what_a_living_one_holds_is_kept():
    ended = subprocess.Popen(["true"])
    ended.wait()
    dead = leftovers.SHARED_MEMORY / f"fovea-triton-{ended.pid}-region"
    folder = Path(tempfile.mkdtemp(prefix=f"fovea-triton-{ended.pid}-"))
    own = leftovers.SHARED_MEMORY / f"{leftovers.prefix()}region"
    for path in (dead, own, folder / "file"):
        path.write_text("")
    leftovers.sweep()
    assert not dead.exists()
    assert not folder.exists()
    assert own.exists()
    leftovers.sweep_memory(leftovers.prefix())
    assert not own.exists()


def test_a_command_that_is_not_there_ends_with_127_and_its_name():
    process = tether.start(["no-such-command"], environment=os.environ, output=subprocess.PIPE)
    output, _ = process.communicate()
    assert process.returncode == 127
    assert output == b"no-such-command: No such file or directory\n"
