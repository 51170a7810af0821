"""What holds for every test: which ones wait on real clocks, and how hypothesis behaves."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.leaks import Watch

REALTIME = Path(__file__).parent / "realtime"

# No deadline and no check of speed: a busy machine is not a wrong answer. Derandomised: one commit, one verdict.
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
# `nox -s fuzz` asks for this one: `--hypothesis-profile=fuzz`.
settings.register_profile("fuzz", parent=settings.get_profile("suite"), derandomize=False, max_examples=10_000)
settings.load_profile("suite")

# What a shell starts in the background ignores these, and so would every process that a test starts.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", 0), signal.SIG_DFL)):
    if number and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Watch(), "leaks")


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: two processes more than there are cores, as nearly half of the time is spent waiting for others."""
    return (os.cpu_count() or 1) + 2


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
