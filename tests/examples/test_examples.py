"""Every example runs as it stands, against a simulated vendor, and does what it says."""

from __future__ import annotations

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from agora_tencent_analytics.simulator import SimulatedAgora, World, running_in_thread
from tests.support.command_line import environment, settings_of
from tests.support.redis_server import RedisServer, needs_redis

EXAMPLES = Path(__file__).parents[2] / "examples"
LIMIT_S = 60
CALLS = 12


@pytest.fixture
def vendor() -> Iterator[SimulatedAgora]:
    """Twelve calls that ended five minutes ago."""
    end = int(time.time()) - 300
    world = World(calls=CALLS, start=end - 8 * 3600, end=end)
    with running_in_thread(SimulatedAgora(world, plan="enterprise")) as server:
        yield server


def variables(vendor: SimulatedAgora, folder: Path, *, plan: str = "enterprise", **more: str) -> dict[str, str]:
    told = {"base_url": vendor.base_url, "credentials": vendor.credentials}
    return environment(folder, **settings_of("agora", plan, told), **more)


def ran(vendor: SimulatedAgora, folder: Path, name: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *words],
        env=variables(vendor, folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_the_daily_job_stores_each_call_once(vendor: SimulatedAgora, tmp_path: Path) -> None:
    assert ran(vendor, tmp_path, "daily_job.py", "calls.db").endswith("complete\n")
    truth = vendor.world.truth("agora", vendor.world.start, vendor.world.end)
    with closing(sqlite3.connect(tmp_path / "calls.db")) as database:
        counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("calls", "sessions")]
    assert [CALLS, truth.sessions] == counts
    asked = len(vendor.arrivals)
    ran(vendor, tmp_path, "daily_job.py", "calls.db")
    assert len(vendor.arrivals) - asked < asked / 2, "what was stored is not read again"


@pytest.mark.long
def test_both_frames_tell_the_same(vendor: SimulatedAgora, tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    by_pandas, by_polars = ran(vendor, tmp_path, "frames.py").split("shape:")
    figures = [re.findall(r"\b\d+\.\d\b", text) for text in (by_pandas, by_polars)]
    assert figures[0] == figures[1]
    assert figures[0]


@pytest.mark.long
@needs_redis
def test_several_hosts_share_what_one_may_send(vendor: SimulatedAgora, tmp_path: Path) -> None:
    with RedisServer(tmp_path, persistent=True) as redis:
        told = ran(vendor, tmp_path, "several_hosts.py", redis.url)
    hosts = re.findall(r"(?m)^host \d: (\d+) calls, (\d+) requests, (\d+) refused$", told)
    assert CALLS <= sum(int(calls) for calls, _, _ in hosts)
    assert len(vendor.arrivals) == sum(int(requests) for _, requests, _ in hosts)
    assert [0, 0, 0] == [int(refused) for _, _, refused in hosts]
    assert 0 == vendor.refused


@pytest.mark.long
def test_the_tests_of_ones_own_code_pass(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLES / "test_reader.py")],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert 0 == done.returncode, done.stdout
    assert "3 passed" in done.stdout


class Served:
    """The service in a process of its own."""

    def __init__(self, vendor: SimulatedAgora, folder: Path, *, plan: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._command = [sys.executable, str(EXAMPLES / "service.py")]
        self._environment = variables(vendor, folder, plan=plan, PORT=str(self.port))

    def __enter__(self) -> Served:
        self.process = subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError("the service does not listen")

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def get(self, path: str) -> tuple[int, str, object]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=LIMIT_S) as answer:
                return answer.status, "", json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.headers.get("Retry-After", ""), json.load(refused)


@pytest.fixture(autouse=True)
def _needs_a_web_framework(request: pytest.FixtureRequest) -> None:
    if "service" in request.node.name:
        pytest.importorskip("fastapi")
        pytest.importorskip("uvicorn")


def test_the_service_answers_and_reports_its_health_for_nothing(vendor: SimulatedAgora, tmp_path: Path) -> None:
    call = vendor.world.call_at("agora", 0)
    with Served(vendor, tmp_path, plan="enterprise") as service:
        status, _, told = service.get(f"/channels/{call.channel}/calls?hours=10")
        assert 200 == status
        assert isinstance(told, list)
        assert call.call_id in [found["call_id"] for found in told]
        before = len(vendor.arrivals)
        status, _, told = service.get("/health")
        assert (200, before) == (status, len(vendor.arrivals))
        assert isinstance(told, dict)
        assert 0 < told["left_today"]["call/lists"] < 10_000
        service.process.send_signal(signal.SIGTERM)
        _, stderr = service.process.communicate(timeout=LIMIT_S)
    assert service.process.returncode in (0, -signal.SIGTERM)
    assert "" == stderr


@pytest.mark.long
def test_the_service_says_when_to_come_back_where_it_cannot_answer_in_time(
    vendor: SimulatedAgora, tmp_path: Path
) -> None:
    """On a plan of one request a second, of which twelve want one at once."""
    began = time.monotonic()
    with Served(vendor, tmp_path, plan="standard") as service, ThreadPoolExecutor(12) as clients:
        answers = [*clients.map(service.get, ["/channels/x/calls?hours=1"] * 12)]
    assert {200, 503} == {status for status, _, _ in answers}
    late = [(after, told) for status, after, told in answers if status == 503]
    assert {"WouldExceedQuota"} == {told["error"] for _, told in late if isinstance(told, dict)}
    assert all(0 < int(after) < 20 for after, _ in late)
    assert time.monotonic() - began < 20
