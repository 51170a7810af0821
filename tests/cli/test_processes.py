"""The command line as users run it: processes, signals, terminals."""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from agora_tencent_analytics.cli import main
from tests.support.command_line import COMMAND, environment, serving, serving_here, settings_of
from tests.support.long_runs import by_turns

LIMIT_S = 30


def test_the_module_runs_and_says_what_it_found(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = subprocess.run(
        [*COMMAND, "scan", "--simulate", "--calls", "2", "--report", str(report)],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.endswith("\ncomplete\n")
    assert json.loads(report.read_text())["complete"] is True


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize(
    ("name", "shell"),
    [
        ("SIGINT", []),
        pytest.param("SIGTERM", [], marks=pytest.mark.long),
        # As a script's job in the background is started.
        ("SIGTERM", ["sh", "-c", 'trap "" INT; exec "$0" "$@"']),
    ],
    ids=["SIGINT", "SIGTERM", "SIGTERM where SIGINT is ignored"],
)
def test_an_interrupted_scan_says_so_and_leaves_whole_lines(name: str, shell: list[str], tmp_path: Path) -> None:
    command = [*shell, *COMMAND]
    out, report = tmp_path / "out.jsonl", tmp_path / "report.json"
    with serving_here(plan="premium", calls=60) as told:
        scanning = subprocess.Popen(
            [*command, "scan", "--last", "10h", "--depth", "sessions", "--out", str(out), "--report", str(report)],
            env=environment(tmp_path, **settings_of("agora", "premium", told)),
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + LIMIT_S
        while not (out.exists() and out.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.05)
        scanning.send_signal(getattr(signal, name))
        _, stderr = scanning.communicate(timeout=LIMIT_S)
    assert 130 == scanning.returncode, stderr
    assert "interrupted\n" == stderr.splitlines(keepends=True)[-1]
    assert "Traceback" not in stderr
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert 0 < len(records) < 60
    said = json.loads(report.read_text())
    assert [False] * 3 == [part["complete"] for part in (said, said["total"], said["vendors"]["agora"])]
    assert len(records) <= said["total"]["calls"]


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize(("vendor", "name"), by_turns(2, ["agora", "tencent"], ["SIGINT", "SIGTERM"]))
def test_simulate_serves_until_it_is_interrupted(vendor: str, name: str, tmp_path: Path) -> None:
    with serving("--vendor", vendor, "--calls", "12", "--verbose", state=tmp_path) as (told, process):
        assert {"base_url", "credentials", "start", "end"} == told.keys()
        assert told["start"] < told["end"] < time.time()
        port = int(told["base_url"].rsplit(":", 1)[1])
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        process.send_signal(getattr(signal, name))
        stdout, stderr = process.communicate(timeout=LIMIT_S)
    assert 0 == process.returncode
    assert "" == stdout, "one line only, and that was read"
    assert "0 requests, 0 refused" in stderr


def test_any_client_is_limited_by_the_plan(tmp_path: Path) -> None:
    words = ("--vendor", "agora", "--plan", "standard", "--seed", "4", "--latency", "20")
    with serving(*words, state=tmp_path) as (told, _):
        keys = told["credentials"]
        pair = base64.b64encode(f"{keys['customer_id']}:{keys['customer_secret']}".encode()).decode()
        asked = urllib.request.Request(
            f"{told['base_url']}/beta/analytics/call/lists"
            f"?start_ts={told['end'] - 3600}&end_ts={told['end']}&appid={keys['app_id']}",
            headers={"Authorization": f"Basic {pair}"},
        )
        codes = []
        for _ in range(4):
            with urllib.request.urlopen(asked, timeout=5) as answer:
                codes.append(json.load(answer)["code"])
    assert 200 in codes
    assert 300 in codes


def test_a_port_that_is_taken_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert 2 == main(["simulate", "--vendor", "agora", "--port", port])
    told = capsys.readouterr().err
    assert f"port {port} is in use; --port 0 picks one that is free" in told


def test_an_unknown_plan_of_the_simulator_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["simulate", "--vendor", "agora", "--port", "0", "--plan", "gold"])
    assert "no plan 'gold'" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals as POSIX has them")
def test_a_terminal_gets_colours_and_tables(tmp_path: Path) -> None:
    pytest.importorskip("rich")
    ours, theirs = os.openpty()
    try:
        scanning = subprocess.Popen(
            [*COMMAND, "scan", "--simulate", "--vendor", "agora", "--calls", "3"],
            env=environment(tmp_path, TERM="xterm-256color", COLUMNS="140"),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    piece = os.read(ours, 65_536)
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                shown += piece
        assert 0 == scanning.wait(LIMIT_S)
    finally:
        os.close(ours)
    text = shown.decode()
    assert "\x1b[" in text, "it moves and has colours"
    assert "worst calls" in text
    assert "complete" in text.splitlines()[-1] + text.splitlines()[-2]
