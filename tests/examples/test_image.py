"""The image of the simulator, without Docker: what its Dockerfile copies, installs and starts, asked over HTTP."""

from __future__ import annotations

import base64
import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 60
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="the image is of Linux"),
    pytest.mark.skipif(not (ROOT / "Dockerfile").exists(), reason="the source distribution has no Dockerfile"),
]


def lists_of(instruction: str, dockerfile: str) -> list[str]:
    """The words of an instruction that is written as a list."""
    (found,) = re.findall(rf"(?m)^{instruction} (\[.*\])$", dockerfile)
    words: list[str] = json.loads(found)
    return words


def build_context(ignore: str, folder: Path) -> Path:
    """A copy of what `.dockerignore` lets into the build: nothing but the names that it makes an exception for."""
    first, *rest = ignore.split()
    assert "*" == first
    for name in (line[1:] for line in rest if line.startswith("!")):
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment, with the wheel that the Dockerfile builds.

    What the wheel needs is that of the tests: nothing is downloaded again.
    """
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the wheel, is not installed")
    root = tmp_path_factory.mktemp("image")
    (root / "source").mkdir()
    source = build_context((ROOT / ".dockerignore").read_text("utf-8"), root / "source")
    venv.create(root / "env", with_pip=True)
    pip = [str(root / "env" / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    (site,) = (root / "env" / "lib").glob("python*/site-packages")
    (site / "of_the_tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(root / "wheels"), str(source)]
    subprocess.run([*pip, *build], check=True, timeout=300)
    wheels = map(str, (root / "wheels").glob("*.whl"))
    subprocess.run([*pip, "install", "--no-deps", "--force-reinstall", *wheels], check=True, timeout=300)
    return root / "env" / "bin"


@pytest.mark.parametrize("words", ["", "--vendor tencent --plan advanced"])
def test_what_the_image_runs_serves_any_client(words: str, installed: Path, tmp_path: Path) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    program, *entry = lists_of("ENTRYPOINT", dockerfile)
    given = shlex.split(words) or lists_of("CMD", dockerfile)
    assert re.search(rf"(?m)^EXPOSE {entry[entry.index('--port') + 1]}$", dockerfile)
    entry[entry.index("--port") + 1] = "0"  # other tests may use that one
    command = [str(installed / program), *entry, *given]
    with subprocess.Popen(command, cwd=tmp_path, env={"HOME": str(tmp_path)}, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            told = json.loads(server.stdout.readline())
            port = told["base_url"].rpartition(":")[2]
            calls = asked(f"http://127.0.0.1:{port}", told) if not words else refused(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(LIMIT_S)
    assert calls


def asked(address: str, told: dict[str, object]) -> list[object]:
    """The calls that Agora lists for whoever has the credentials."""
    keys = told["credentials"]
    assert isinstance(keys, dict)
    pair = base64.b64encode(f"{keys['customer_id']}:{keys['customer_secret']}".encode()).decode()
    query = f"start_ts={told['start']}&end_ts={told['end']}&appid={keys['app_id']}"
    url = f"{address}/beta/analytics/call/lists?{query}"
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {pair}"})
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        found: list[object] = json.load(answer)["call_lists"]
    return found


def refused(address: str) -> bool:
    """True if Tencent misses the signature, in its own words."""
    request = urllib.request.Request(address, data=b"{}", headers={"X-TC-Action": "DescribeRoomInfo"})
    with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
        code: str = json.load(answer)["Response"]["Error"]["Code"]
    return code.startswith(("AuthFailure", "MissingParameter"))
