"""A minute of six processes with two providers each on one count: no refusal, nothing counted apart.

Beside them neighbours come and go, end or are killed with -9; or each process forks, or has threads with a loop each.
On real clocks and sockets. What is measured is printed with `-rP`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.one_count import check, count_together
from tests.support.redis_server import needs_redis, redis_server

SECONDS = 60.0
USERS = 6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("kill", [False, True], ids=["neighbours end", "neighbours are killed"])
@pytest.mark.parametrize("way", ["plain", "threads", "forks"])
def test_six_processes_and_neighbours_are_never_refused_and_count_what_arrived(
    way: str, kill: bool, tmp_path: Path
) -> None:
    seen = count_together(str(tmp_path / "quota.sqlite3"), way, SECONDS, users=USERS, neighbours=True, kill=kill)
    print(f"{way}: {seen}")
    check(seen, least=int(6 * SECONDS))


@needs_redis
@pytest.mark.parametrize("way", ["plain", "threads", "forks"])
def test_the_same_in_redis(way: str, tmp_path: Path) -> None:
    with redis_server(tmp_path) as url:
        seen = count_together(url, way, SECONDS, users=USERS, neighbours=True, kill=way == "plain")
    print(f"{way}: {seen}")
    check(seen, least=int(5 * SECONDS))
