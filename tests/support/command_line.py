"""The command line in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agora_tencent_analytics.cli.simulated_world import recent_range, world
from agora_tencent_analytics.simulator import SimulatedAgora, running_in_thread

__all__ = ["COMMAND", "environment", "serving", "serving_here", "settings_of"]

COMMAND = [sys.executable, "-m", "agora_tencent_analytics"]
ROOT = Path(__file__).parents[2]
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "SYSTEMROOT")


def environment(state: Path, **more: str) -> dict[str, str]:
    """A bare environment whose quota is kept under `state`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(state), **more}


def settings_of(vendor: str, plan: str, told: Mapping[str, Any]) -> dict[str, str]:
    """The variables for `scan`, from the line that `simulate` prints."""
    keys = told["credentials"]
    if vendor == "agora":
        return {
            "AGORA_APP_ID": keys["app_id"],
            "AGORA_CUSTOMER_ID": keys["customer_id"],
            "AGORA_CUSTOMER_SECRET": keys["customer_secret"],
            "AGORA_PLAN": plan,
            "AGORA_BASE_URL": told["base_url"],
        }
    return {
        "TRTC_SDK_APP_ID": str(keys["sdk_app_id"]),
        "TENCENTCLOUD_SECRET_ID": keys["secret_id"],
        "TENCENTCLOUD_SECRET_KEY": keys["secret_key"],
        "TENCENTCLOUD_REGION": "ap-singapore",
        "TRTC_PLAN": plan,
        "TRTC_BASE_URL": told["base_url"],
    }


@contextmanager
def serving_here(*, plan: str, calls: int) -> Iterator[dict[str, Any]]:
    """The world of `simulate --vendor agora`, served by a thread of this process; and what would be printed."""
    happened = world(recent_range(), seed=0, calls=calls, impolite=0.0)
    with running_in_thread(SimulatedAgora(happened, plan=plan)) as server:
        yield {"base_url": server.base_url, "credentials": server.credentials}


@contextmanager
def serving(*words: str, state: Path) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """`simulate` with these words: the line it printed, and the process; ended when the block is left."""
    process = subprocess.Popen(
        [*COMMAND, "simulate", "--port", "0", *words],
        env=environment(state),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.stderr.read() if process.stderr else ""
        yield json.loads(line), process
    finally:
        process.terminate()
        process.communicate(timeout=20)
