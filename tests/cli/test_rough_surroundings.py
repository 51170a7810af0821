"""The command line where things are not as they should be: streams closed, readers gone, files and ports taken."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import Retry
from agora_tencent_analytics.cli import main
from agora_tencent_analytics.cli.commands.simulate import _Told
from tests.support.command_line import COMMAND, environment, serving_here, settings_of
from tests.support.long_runs import first

pytestmark = pytest.mark.skipif(os.name != "posix", reason="streams, signals and FIFOs as POSIX has them")
LIMIT_S = 60
SCAN = ["scan", "--simulate", "--vendor", "agora", "--plan", "unlimited", "--calls", "4", "--depth", "sessions"]


def ran(folder: Path, *words: str, shell: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own; `shell` is what a shell adds behind it."""
    command = ["sh", "-c", f'exec "$0" "$@" {shell}', *COMMAND, *words] if shell else [*COMMAND, *words]
    options = {"env": environment(folder), "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command, text=True, timeout=LIMIT_S, check=False, **options)


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# --- standard streams -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", first(1, ["<&- >&- 2>&-", "2>&-", ">&-"]))
def test_closed_streams_do_not_keep_a_scan_from_its_work(closed: str, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report"
    words = [*SCAN, "--out", str(out), "--report", str(report), "--ledger", str(tmp_path / "ledger")]
    done = ran(tmp_path, *words, shell=closed)
    assert 0 == done.returncode
    assert 4 == len({line["call_id"] for line in lines_of(out.read_text())})
    assert json.loads(report.read_text())["complete"]


def test_wrong_usage_is_told_by_its_status_where_nobody_listens(tmp_path: Path) -> None:
    done = ran(tmp_path, "scan", "--nonsense", shell="2>&-")
    assert (2, "") == (done.returncode, done.stdout)


def test_a_follower_that_goes_does_not_end_the_scan(tmp_path: Path) -> None:
    out = tmp_path / "out"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        done = ran(tmp_path, *SCAN, "--out", str(out), stderr=gone)
    assert 0 == done.returncode
    assert 4 == len({line["call_id"] for line in lines_of(out.read_text())})


@pytest.mark.parametrize(
    "words",
    first(2, [[*SCAN, "--out", "-"], ["forecast", "--simulate", "--calls", "4"], [*SCAN, "--out", "/dev/stdout"]]),
)
def test_a_pipe_that_is_closed_ends_quietly(words: list[str], tmp_path: Path) -> None:
    report = tmp_path / "report"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        done = ran(tmp_path, *words, "--report", str(report), stdout=gone)
    assert 1 == done.returncode
    assert "" == done.stderr
    assert report.exists()


# --- where records go -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", first(1, ["/dev/stdout", "/dev/fd/1", "-"]))
def test_records_go_to_standard_output(name: str, tmp_path: Path) -> None:
    done = ran(tmp_path, *SCAN, "--out", name)
    assert 0 == done.returncode
    assert 4 == len({line["call_id"] for line in lines_of(done.stdout)})
    assert done.stderr.endswith("\ncomplete\n")


@pytest.mark.parametrize("name", first(1, ["-", "/dev/stdout"]))
def test_a_file_that_standard_output_leads_to_is_added_to_and_never_emptied(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text('{"of":"before"}\n')
    with out.open("a") as file:
        done = ran(tmp_path, *SCAN, "--out", name, stdout=file)
    assert 0 == done.returncode
    before, *rest = lines_of(out.read_text())
    assert {"of": "before"} == before
    assert 4 == len({line["call_id"] for line in rest})


def test_a_file_that_the_shell_writes_too_is_not_emptied_under_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with out.open("w") as file:
        file.write('{"of":"before"}\n')
        file.flush()
        assert 0 == ran(tmp_path, *SCAN, "--out", str(out), stdout=file).returncode
    assert {"of": "before"} == lines_of(out.read_text())[0]


def test_standard_output_cannot_be_followed_by_a_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main([*SCAN, "--out", "-", "--ledger", str(tmp_path / "ledger")])
    assert "--out needs one that can" in capsys.readouterr().err


def test_a_slow_reader_gets_every_line_and_a_signal_is_heard_meanwhile(tmp_path: Path) -> None:
    report = tmp_path / "report"
    scanning = subprocess.Popen(
        [*COMMAND, *SCAN[:-4], "--calls", "60", "--depth", "metrics", "--out", "-", "--report", str(report)],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert scanning.stdout is not None
    assert json.loads(scanning.stdout.readline())["vendor"] == "agora"
    time.sleep(1)  # by then the pipe is full
    scanning.send_signal(signal.SIGTERM)
    assert 130 == scanning.wait(LIMIT_S)
    scanning.communicate()
    assert not json.loads(report.read_text())["complete"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    report = tmp_path / "report"
    with open("/dev/full", "w") as full:
        done = ran(tmp_path, *SCAN, "--out", "-", "--report", str(report), stdout=full)
    assert 1 == done.returncode
    assert "the disk is full: - has 0 calls; free some space and run it again" in done.stderr
    assert "\nINCOMPLETE\n" in done.stderr
    assert json.loads(report.read_text())["complete"] is False


# --- signals --------------------------------------------------------------------------------------------------


def interrupted(folder: Path, *shell: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A scan in the middle of its work."""
    out, report = folder / "out.jsonl", folder / "report.json"
    with serving_here(plan="premium", calls=60) as told:
        scanning = subprocess.Popen(
            [
                *shell,
                *COMMAND,
                "scan",
                "--last",
                "10h",
                "--depth",
                "sessions",
                "--out",
                str(out),
                "--report",
                str(report),
            ],
            env=environment(folder, **settings_of("agora", "premium", told)),
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + LIMIT_S
        while not (out.exists() and out.stat().st_size):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        try:
            yield scanning, report
        finally:
            scanning.kill()
            scanning.communicate()


def test_a_hangup_ends_a_scan_with_its_report(tmp_path: Path) -> None:
    for scanning, report in interrupted(tmp_path):
        scanning.send_signal(signal.SIGHUP)
        assert 130 == scanning.wait(LIMIT_S)
        said = json.loads(report.read_text())
        assert (False, True) == (said["complete"], said["total"]["requests"] > 0)


def test_a_hangup_that_is_ignored_stays_so(tmp_path: Path) -> None:
    for scanning, _ in interrupted(tmp_path, "sh", "-c", 'trap "" HUP; exec "$0" "$@"'):
        scanning.send_signal(signal.SIGHUP)
        time.sleep(1)
        assert scanning.poll() is None


# --- warnings, files, ports -----------------------------------------------------------------------------------


def test_a_warning_that_python_was_told_to_raise_is_a_sentence(tmp_path: Path) -> None:
    nowhere = tmp_path / "a file"
    nowhere.write_text("")
    with serving_here(plan="enterprise", calls=1) as told:
        done = ran(
            tmp_path,
            *("quota", "--vendor", "agora"),
            env=environment(nowhere, **settings_of("agora", "enterprise", told), PYTHONWARNINGS="error"),
        )
    assert 1 == done.returncode
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("agora-tencent-analytics: the quota cannot be kept")


def test_a_simulator_without_file_descriptors_says_so_once_and_serves_on(tmp_path: Path) -> None:
    program = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
sys.argv = ["x", "simulate", "--vendor", "agora", "--port", "0"]
runpy.run_module("agora_tencent_analytics", run_name="__main__")
"""
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 60
    server = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    host, _, port = json.loads(server.stdout.readline())["base_url"].rpartition("/")[2].rpartition(":")
    taken = [socket.create_connection((host, int(port)), timeout=5) for _ in range(40)]
    time.sleep(2.5)
    for one in taken:
        one.close()
    with socket.create_connection((host, int(port)), timeout=LIMIT_S) as late:
        late.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert late.recv(12).startswith(b"HTTP/1.1 4")
    server.terminate()
    _, told = server.communicate(timeout=LIMIT_S)
    assert 1 == len(told.splitlines()), told
    assert "raise the limit (ulimit -n)" in told


def test_that_it_listens_again_on_sockets_that_are_closed_by_now_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    over, loop = asyncio.Event(), asyncio.new_event_loop()
    of_a_closed_socket = {"message": "", "exception": ValueError("Invalid file descriptor: -1")}
    told = []
    for _ in range(2):
        _Told(over).handle(loop, of_a_closed_socket)
        told.append(len(caplog.records))
        over.set()
    loop.close()
    assert [1, 1] == told


def test_an_address_that_cannot_be_listened_on_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["simulate", "--vendor", "agora", "--port", "0", "--host", "192.0.2.1"])
    told = capsys.readouterr().err
    assert "of 192.0.2.1 cannot be listened on" in told
    assert os.strerror(errno.EADDRNOTAVAIL).lower() in told.lower()


# --- words that may be secret ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["scan", "--customer-secret", "HUSH", "--last", "6h"],
        ["--customer-secret", "HUSH", "scan"],
        ["scan", "--customer-secret=HUSH"],
        ["scan", "--last", "6h", "HUSH"],
        ["scan", "-kHUSH"],
        ["scan", "--HUSH"],
        ["quota", "--out", "HUSH"],
        ["quota", "--proxy", "http://me:HUSH@x"],
        ["scan", "--last", "6h", "--proxy", "socks5://me:HUSH@x"],
        ["scan", "--last", "6h", "--proxy", "http://me:HUSH@x:port"],
    ],
)
def test_wrong_usage_repeats_no_word_that_may_be_secret(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings_of("agora", "premium", {"base_url": "https://x.test", "credentials": KEYS}).items():
        monkeypatch.setenv(name, value)
    try:
        status = main(words)
    except SystemExit as left:
        status = int(left.code or 0)
    told = capsys.readouterr()
    assert 2 == status
    assert "HUSH" not in told.err + told.out
    assert told.err


KEYS = {"app_id": "app1", "customer_id": "id1", "customer_secret": "a-secret"}


def test_an_option_is_named_by_its_whole_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scan", "--customer-secret", "HUSH"])
    assert "there is no option --customer-secret" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["quota", "--out", "HUSH"])
    assert "quota takes no --out" in capsys.readouterr().err


# --- the proxy ------------------------------------------------------------------------------------------------


Asked = Callable[..., tuple[int, str]]


class Proxy:
    """Notes what it is asked to connect to, and refuses."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.heads: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._server.accept()
            except OSError:
                return
            with line:
                self.heads.append(line.recv(4_000).decode())
                line.sendall(b"HTTP/1.1 403 not through here\r\nContent-Length: 0\r\n\r\n")

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    one = Proxy()
    yield one
    one.close()


@pytest.fixture
def asked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asked:
    """Scans in this process, in an environment of nothing else, without pauses between attempts: status and errors."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login MINE password NETRC\n")
    netrc.chmod(0o600)
    pause = Retry.delay
    monkeypatch.setattr(Retry, "delay", lambda *of, **by: None if pause(*of, **by) is None else 0.0)

    def asked(*words: str, told: dict[str, Any] | None = None, **variables: str) -> tuple[int, str]:
        told = told or {"base_url": "https://api.agora.test", "credentials": KEYS}
        own = environment(tmp_path, **settings_of("agora", "premium", told), NETRC=str(netrc), **variables)
        for name in {*os.environ} - {*own}:
            monkeypatch.delenv(name)
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        return main(["scan", "--last", "10h", "--depth", "calls", *words]), capsys.readouterr().err

    return asked


@pytest.mark.parametrize("how", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "--proxy"])
def test_a_proxy_is_asked_and_told_no_password_of_a_netrc(how: str, proxy: Proxy, asked_through: Asked) -> None:
    url = f"http://me:pr0xy-passw0rd@127.0.0.1:{proxy.port}"
    status, told = asked_through("--proxy", url) if how == "--proxy" else asked_through(**{how: url})
    assert 1 == status
    assert {"CONNECT api.agora.test:443 HTTP/1.1"} == {head.splitlines()[0] for head in proxy.heads}
    assert {"Basic bWU6cHIweHktcGFzc3cwcmQ="} == {
        line.partition(": ")[2] for head in proxy.heads for line in head.splitlines() if line.startswith("Proxy-Auth")
    }
    assert not [head for head in proxy.heads if "\nAuthorization" in head]
    by = "" if how == "--proxy" else " (named by the environment)"
    assert f"through the proxy 127.0.0.1:{proxy.port}{by}: the proxy refuses it with 403" in told
    assert "passw0rd" not in told


def test_a_proxy_without_a_scheme_is_an_http_proxy(proxy: Proxy, asked_through: Asked) -> None:
    asked_through(HTTPS_PROXY=f"127.0.0.1:{proxy.port}")
    assert proxy.heads


@pytest.mark.parametrize(
    ("words", "variables"),
    [([], {"NO_PROXY": "agora.test"}), (["--proxy", ""], {})],
    ids=["NO_PROXY", "an empty --proxy"],
)
def test_no_proxy_is_asked_where_none_is_wanted(
    words: list[str], variables: dict[str, str], proxy: Proxy, asked_through: Asked
) -> None:
    _, told = asked_through(*words, HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}", **variables)
    assert [] == proxy.heads
    assert "no connection to api.agora.test" in told
    assert "proxy" not in told


def test_a_proxy_that_cannot_be_reached_is_named_and_costs_nothing(asked_through: Asked) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    status, told = asked_through(HTTPS_PROXY=f"http://127.0.0.1:{port}")
    assert f"no connection to api.agora.test through the proxy 127.0.0.1:{port} (named by the environment)" in told
    assert 1 == status


def test_a_proxy_that_cannot_be_used_is_refused_by_the_name_of_its_variable(asked_through: Asked) -> None:
    status, told = asked_through(HTTPS_PROXY="socks5://me:pr0xy-passw0rd@127.0.0.1:1")
    assert 2 == status
    assert "HTTPS_PROXY must be like http://user:password@host:3128 (a SOCKS proxy cannot be used)" in told
    assert "passw0rd" not in told


def test_this_machine_is_asked_without_a_proxy(proxy: Proxy, asked_through: Asked) -> None:
    url = f"http://127.0.0.1:{proxy.port}"
    with serving_here(plan="premium", calls=2) as told:
        status, _ = asked_through(told=told, HTTP_PROXY=url, ALL_PROXY=url)
    assert (0, []) == (status, proxy.heads)
