"""The fixtures as the tests of a user find them: by an entry point, and at no cost for who does not use them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENTRY = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["pytest11"]
TEST = """
from agora_tencent_analytics import AgoraProvider, Last, TencentProvider


async def count(provider):
    async with provider:
        return len(await provider.calls(Last(hours=9)))


def test_both(simulated_agora, simulated_tencent):
    import asyncio

    assert 12 == asyncio.run(count(AgoraProvider.from_env(simulated_agora.environ, store=":memory:")))
    assert 12 == asyncio.run(count(TencentProvider.from_env(simulated_tencent.environ, store=":memory:")))
"""


def test_a_test_finds_the_fixtures_without_a_conftest(tmp_path: Path) -> None:
    installed = tmp_path / "site" / "agora_tencent_analytics-0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: agora-tencent-analytics\nVersion: 0\n")
    lines = "".join(f"{name} = {module}\n" for name, module in ENTRY.items())
    (installed / "entry_points.txt").write_text(f"[pytest11]\n{lines}")
    (tmp_path / "test_it.py").write_text(TEST)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path / "site")])}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    ran = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr


def test_the_plugin_imports_pytest_and_nothing_else() -> None:
    (module,) = ENTRY.values()
    code = f"import pytest, sys\nbefore = set(sys.modules)\nimport {module}\nprint(*sorted(set(sys.modules) - before))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    package = "agora_tencent_analytics"
    assert {package, f"{package}._version", module} >= {name for name in ran.stdout.split() if name.startswith(package)}
    assert not {"aiohttp", "attrs", "msgspec", "anyio"} & set(ran.stdout.split())
