"""The examples as anybody installs them: built, put into a fresh environment, and asked by the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from daily_server import DailyServer
from twilio_server import TwilioServer

from agora_tencent_analytics.testing import on_loopback
from agora_tencent_analytics.vendor import Request, Response

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
_COMPILED = shutil.ignore_patterns("__pycache__")
SERVERS: dict[str, Any] = {"daily": DailyServer, "twilio": TwilioServer}
LISTINGS = {"daily": "/v1/meetings", "twilio": "/v1/Video/Rooms"}
NAMES = {"daily": "m-", "twilio": "RM"}
CALLS = 104
"""More than a page has."""
KEYS = {
    "daily": {"DAILY_API_KEY": "daily-key-is-a-secret"},
    "twilio": {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "twilio-token-is-a-secret"},
}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment that has the library and both examples, built and installed by pip.

    What they need beside is that of the tests: nothing of it is downloaded.
    """
    root = tmp_path_factory.mktemp("installed")
    sources = [shutil.copytree(ROOT / "examples" / name, root / name) for name in KEYS]
    library = root / "library"
    shutil.copytree(ROOT / "agora_tencent_analytics", library / "agora_tencent_analytics", ignore=_COMPILED)
    for one in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / one, library)
    plain, wheels = ["--quiet", "--no-deps", "--disable-pip-version-check"], root / "wheels"
    # Where the build backend is at hand, nothing has to be fetched for it.
    alone = [] if find_spec("hatchling") is None else ["--no-index", "--no-build-isolation"]
    run(sys.executable, "-m", "pip", "wheel", *plain, *alone, "-w", str(wheels), str(library), *map(str, sources))
    built = sorted(wheels.glob("*.whl"))
    assert 3 == len(built), built
    venv.create(root / "env", with_pip=False)
    found = root / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(sys.executable, "-m", "pip", "--python", str(found), "install", *plain, "--no-index", *map(str, built))
    site = Path(run(str(found), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "requirements_of_the_tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    where = run(str(found), "-I", "-c", "import agora_tencent_analytics as library; print(library.__file__)")
    assert Path(where.strip()).is_relative_to(root / "env"), where
    return found


def run(*words: str) -> str:
    ran = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    if "No matching distribution" in ran.stderr:
        pytest.skip("neither hatchling nor an index to fetch it from is at hand")
    assert 0 == ran.returncode, ran.stderr
    return ran.stdout


def environ(cwd: Path, **variables: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**clean, "ANALYTICS_QUOTA_STORE": str(cwd / "quota.db"), **variables}


def command(python: Path, cwd: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    ran = [str(python), "-m", "agora_tencent_analytics", *words]
    env = environ(cwd, **variables)
    return subprocess.run(ran, capture_output=True, text=True, cwd=cwd, env=env, timeout=120, check=False)


def server(name: str, calls: int) -> tuple[Any, int]:
    """The example's own server, whose calls ended an hour ago, and when the first of them began."""
    start = int(time.time()) - 7_200
    return SERVERS[name](start, calls), start


@pytest.mark.parametrize("name", KEYS)
def test_an_installed_example_is_scanned_by_the_command_line(name: str, python: Path, tmp_path: Path) -> None:
    vendor, start = server(name, 12)
    with on_loopback(vendor.answer) as base_url:
        variables = {**KEYS[name], f"{name.upper()}_BASE_URL": base_url}
        over = ("--start", str(start), "--end", str(start + 600))
        files = ("--out", "out.jsonl", "--report", "report.json")
        ran = command(python, tmp_path, "scan", "--vendor", name, *over, *files, **variables)
        assert 0 == ran.returncode, ran.stderr
        assert f"{name}: agora-tencent-analytics-{name} 0.1.0" in ran.stderr
        lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
        assert 12 == len(lines)
        assert 36 == sum(len(line["sessions"]) for line in lines)
        assert (name == "daily") == any(session["series"] for line in lines for session in line["sessions"])
        report = json.loads((tmp_path / "report.json").read_text("utf-8"))
        assert report["complete"], report
        forecast = command(python, tmp_path, "forecast", "--vendor", name, *over, **variables)
        assert forecast.returncode in (0, 1), forecast.stderr
        assert 0 == command(python, tmp_path, "quota", "--vendor", name, "--check", **variables).returncode
        assert all(secret not in ran.stdout + ran.stderr for secret in KEYS[name].values() if "secret" in secret)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("name", KEYS)
def test_a_scan_that_was_killed_goes_on_where_it_was(name: str, python: Path, tmp_path: Path) -> None:
    """By its ledger, in another process, without a listing from the start."""
    vendor, start = server(name, CALLS)
    asked: list[str] = []

    def answer(request: Request, now: float) -> Response:
        asked.append(urlsplit(request.url).path)
        return cast("Response", vendor.answer(request, now))

    depth = ("--depth", "metrics" if name == "daily" else "sessions")
    with on_loopback(answer) as base_url:
        variables = {**KEYS[name], f"{name.upper()}_BASE_URL": base_url}
        over = ("--start", str(start), "--end", str(start + 3_000))
        files = ("--out", "out.jsonl", "--ledger", "ledger", "--report", "report.json")
        words = [str(python), "-m", "agora_tencent_analytics", "scan", "--vendor", name, *over, *files, *depth]
        env = environ(tmp_path, **variables)
        with subprocess.Popen(words, cwd=tmp_path, env=env, stderr=subprocess.DEVNULL) as first:
            until = time.monotonic() + 60
            while time.monotonic() < until and len(written(tmp_path)) < 5:
                time.sleep(0.02)
            first.kill()
        begun, before = len(written(tmp_path)), len(asked)
        assert 5 <= begun < 100, "it was killed too early, or too late"
        ran = command(python, tmp_path, *words[3:], **variables)
        assert 0 == ran.returncode, ran.stderr
        assert sorted(f"{NAMES[name]}{number}" for number in range(CALLS)) == sorted(written(tmp_path))
        listed = [path for path in asked[before:] if path == LISTINGS[name]]
        # Of what was listed and not read the page is read again where it holds who was there.
        assert len(listed) <= (2 if name == "daily" else 1), listed


def written(folder: Path) -> list[str]:
    """The calls whose lines are whole."""
    path = folder / "out.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line)["call_id"] for line in lines if line.endswith("\n")]


def test_without_its_variables_an_example_says_which_are_missing(python: Path, tmp_path: Path) -> None:
    ran = command(python, tmp_path, "scan", "--vendor", "daily", "--last", "1h")
    assert (2, True) == (ran.returncode, "DAILY_API_KEY is not set" in ran.stderr)
