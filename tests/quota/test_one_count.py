"""One count however many processes, providers, threads, loops and forks use it: five seconds on real clocks.

The same for a minute, with neighbours that are killed, and on Redis, is in `tests/realtime/test_one_count.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.long_runs import first
from tests.support.one_count import check, count_together

SECONDS = 5.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("way", first(1, ["forks", "plain", "threads"]))
def test_processes_with_two_providers_and_neighbours_that_come_and_go_are_never_refused(
    way: str, tmp_path: Path
) -> None:
    seen = count_together(str(tmp_path / "quota.sqlite3"), way, SECONDS, users=3, neighbours=way == "plain")
    print(f"{way}: {seen}")
    check(seen, least=15)
