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
from typing import Any

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
KEYS = {
    "daily": {"DAILY_API_KEY": "daily-key-is-a-secret"},
    "twilio": {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "twilio-token-is-a-secret"},
}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has both examples, built from their sources.

    The library and what it needs are those of the tests: nothing of them is downloaded again.
    """
    root = tmp_path_factory.mktemp("installed")
    venv.create(root / "env", with_pip=True)
    found = root / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    asked = [str(found), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.strip())
    (site / "of_the_tests.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    for name in KEYS:
        source = shutil.copytree(ROOT / "examples" / name, root / name)
        # Where the build backend is at hand, nothing has to be fetched for it.
        alone = [] if find_spec("hatchling") is None else ["--no-build-isolation"]
        words = ["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", *alone, str(source)]
        built = subprocess.run([str(found), *words], capture_output=True, text=True, timeout=300, check=False)
        if built.returncode and not alone and "No matching distribution" in built.stderr:
            pytest.skip("neither hatchling nor an index to fetch it from is at hand")
        assert 0 == built.returncode, built.stderr
    return found


def command(python: Path, cwd: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ |= {"ANALYTICS_QUOTA_STORE": str(cwd / "quota.db"), **variables}
    ran = [str(python), "-m", "agora_tencent_analytics", *words]
    return subprocess.run(ran, capture_output=True, text=True, cwd=cwd, env=environ, timeout=120, check=False)


@pytest.mark.parametrize("name", KEYS)
def test_an_installed_example_is_scanned_by_the_command_line(name: str, python: Path, tmp_path: Path) -> None:
    serving = [sys.executable, str(ROOT / "examples" / name / f"{name}_server.py"), "12"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(serving, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as server:
        assert server.stdout is not None
        told: dict[str, Any] = json.loads(server.stdout.readline())
        variables = {**KEYS[name], f"{name.upper()}_BASE_URL": told["base_url"]}
        over = ("--start", str(told["start"]), "--end", str(told["start"] + 600))
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
        assert 0 == command(python, tmp_path, "quota", "--vendor", name, **variables).returncode
        assert all(secret not in ran.stdout + ran.stderr for secret in KEYS[name].values() if "secret" in secret)
        server.communicate("", timeout=30)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_scan_that_was_killed_goes_on_where_it_was(python: Path, tmp_path: Path) -> None:
    serving = [sys.executable, str(ROOT / "examples" / "daily" / "daily_server.py"), "40"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(serving, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as server:
        assert server.stdout is not None
        told: dict[str, Any] = json.loads(server.stdout.readline())
        variables = {**KEYS["daily"], "DAILY_BASE_URL": told["base_url"]}
        over = ("--start", str(told["start"]), "--end", str(told["start"] + 600))
        files = ("--out", "out.jsonl", "--ledger", "ledger", "--report", "report.json")
        words = [str(python), "-m", "agora_tencent_analytics", "scan", "--vendor", "daily", *over, *files]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        clean |= {"ANALYTICS_QUOTA_STORE": str(tmp_path / "quota.db"), **variables}
        with subprocess.Popen(words, cwd=tmp_path, env=clean, stderr=subprocess.DEVNULL) as first:
            until = time.monotonic() + 30
            while time.monotonic() < until and len(written(tmp_path)) < 5:
                time.sleep(0.05)
            first.kill()
        begun = len(written(tmp_path))
        assert begun < 40, "it was killed too late"
        again = command(python, tmp_path, "scan", "--vendor", "daily", *over, *files, **variables)
        assert 0 == again.returncode, again.stderr
        assert sorted(f"m-{number}" for number in range(40)) == sorted(written(tmp_path))
        server.communicate("", timeout=30)


def written(folder: Path) -> list[str]:
    """The calls whose lines are whole."""
    path = folder / "out.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line)["call_id"] for line in lines if line.endswith("\n")]


def test_without_its_variables_an_example_says_which_are_missing(python: Path, tmp_path: Path) -> None:
    ran = command(python, tmp_path, "scan", "--vendor", "daily", "--last", "1h")
    assert (2, True) == (ran.returncode, "DAILY_API_KEY is not set" in ran.stderr)
