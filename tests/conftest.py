"""What holds for every test: which ones wait on real clocks, and how hypothesis behaves."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

import pytest
from hypothesis import HealthCheck, settings

from tests.support.leaks import Watch

REALTIME = Path(__file__).parent / "realtime"

# No deadline and no check of speed: a busy machine is not a wrong answer. Derandomised: one commit, one verdict.
settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], max_examples=25
)
# `--hypothesis-profile=ci`, which `.ci/run` asks for, and `=proof` and `=fuzz`, which nox does.
for profile, examples in {"ci": 100, "proof": 400, "fuzz": 10_000}.items():
    settings.register_profile(
        profile, parent=settings.get_profile("suite"), derandomize=profile == "ci", max_examples=examples
    )
settings.load_profile("suite")

# Without compiled files, each of the processes would rewrite every test for itself. They lie in `__pycache__`.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What a shell starts in the background ignores these, and so would every process that a test starts.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", 0), signal.SIG_DFL)):
    if number and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Watch(), "leaks")


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: two processes more than there are cores, as nearly half of the time is spent waiting for others."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """The first of the processes that collect compiles the tests; the others wait for it, and read what it compiled."""
    if fcntl is None or "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    with Path(__file__).open("rb") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(turn, fcntl.LOCK_SH)
            fcntl.flock(turn, fcntl.LOCK_UN)
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(REALTIME):
            item.add_marker(pytest.mark.realtime)


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After each file: what the run itself keeps (tests, reports) is put out of the garbage collector's sight.

    Hundreds of tests ask for a full round, which would otherwise look at all of it each time.
    """
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()
