"""The recipe of docs/own-database.md, killed anywhere: each call is in the database once, and none is missing."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics.simulator import SimulatedAgora, World, running_in_thread
from tests.support.command_line import environment, settings_of
from tests.support.long_runs import first

pytest.importorskip("sqlalchemy", reason="sqlalchemy comes with the extra `examples`")

PAGE = Path(__file__).parents[2] / "docs" / "own-database.md"
RECIPE = PAGE.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
HOUR = 3_600
KILLED = """
import os, signal, sys
from functools import partial
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from agora_tencent_analytics import AgoraProvider
left = int(sys.argv[1])

def passed(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "commit", passed)  # all is written, nothing committed
event.listen(Session, "after_commit", passed)
AgoraProvider.from_env = partial(AgoraProvider.from_env, hooks=[passed])
"""
"""Dies at this step: a notice of the library, of requests, pages and calls, or before or after a commit."""


def served(calls: int = 12) -> SimulatedAgora:
    end = int(time.time()) - 300
    return SimulatedAgora(World(calls=calls, start=end - 5 * HOUR, end=end, call_seconds=600), plan="unlimited")


def stored(path: Path) -> tuple[dict[str, int], list[tuple[str, str]], int]:
    """When each call began; the sessions with their calls; up to when all was read."""
    with closing(sqlite3.connect(path)) as database:
        calls = dict(database.execute("SELECT call_id, began FROM calls"))
        sessions = database.execute("SELECT session_id, call_id FROM sessions ORDER BY session_id").fetchall()
        (until,) = database.execute("SELECT read_until FROM jobs").fetchone() or (0,)
    return calls, sessions, until


@pytest.mark.parametrize("steps", first(1, [(2, 40), (17, 65)]), ids=str)
def test_whatever_step_it_is_killed_at_each_call_is_stored_once(steps: tuple[int, ...], tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(KILLED + RECIPE)
    with running_in_thread(served()) as server:
        told = {"base_url": server.base_url, "credentials": server.credentials}
        variables = environment(tmp_path, **settings_of("agora", "unlimited", told))
        codes = list[int]()
        for step in (*steps, 10**6):
            ran = subprocess.run(
                [sys.executable, "job.py", str(step)],
                env=variables,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            codes.append(ran.returncode)
            assert ran.returncode in (0, -signal.SIGKILL), ran.stderr
            calls, sessions, until = stored(tmp_path / "calls.db")
            due = {one.call_id: one for one in server.world.calls("agora") if one.created_ts < until - 600}
            assert due.keys() <= calls.keys(), "the bookmark passed over a call"
            assert all(began < until for began in calls.values()), "a call was stored without the bookmark"
            assert {call for _, call in sessions} == calls.keys()
    assert [-signal.SIGKILL] * len(steps) + [0] == codes
    calls, sessions, _ = stored(tmp_path / "calls.db")
    assert {one.call_id for one in server.world.calls("agora")} == calls.keys()
    truth = {stay.session_id for one in server.world.calls("agora") for stay in server.world.sessions(one)}
    assert sorted(truth) == [session for session, _ in sessions]


def test_who_is_not_the_owner_any_more_stores_nothing(tmp_path: Path) -> None:
    recipe: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(RECIPE.replace("asyncio.run(main())", ""), str(PAGE), "exec", dont_inherit=True), recipe)
    path = tmp_path / "calls.db"

    async def scenario() -> None:
        async with server.provider() as agora:
            running = recipe["scan"]

            def overtaken(*providers: Any, **options: Any) -> Any:
                with closing(sqlite3.connect(path)) as database, database:
                    database.execute("UPDATE jobs SET owner = 'another'")
                return running(*providers, **options)

            recipe["scan"] = overtaken
            with pytest.raises(RuntimeError, match="another process does this job now"):
                await recipe["run"](f"sqlite:///{path}", agora, first=server.world.start)

    with running_in_thread(served(4)) as server:
        asyncio.run(scenario())
    assert ({}, [], server.world.start) == stored(path)
