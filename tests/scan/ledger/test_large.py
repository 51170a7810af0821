"""A ledger of a million calls: the loop turns while a scan opens it, and no statement goes through all of it again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import scan
from agora_tencent_analytics.scan import Records
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.scan.ledger import file as ledger_file
from agora_tencent_analytics.scan.ledger.file import LedgerFile
from agora_tencent_analytics.scan.ledger.rows import Rows, State
from agora_tencent_analytics.scan.ledger.seal import Seals
from tests.scan.ledger.test_hostile import OVER, WORLD, read
from tests.support.mutated_files import ENDLESS
from tests.support.transports import Stage
from tests.support.virtual_time import run

LOOKS: tuple[tuple[Any, str], ...] = ((ledger_file, "_check_all"), (Seals, "_weigh_all"), (Rows, "distrust"))
"""What goes through all rows: when the file is opened, when a lane is, and when it is found changed."""
IDS = [name for _, name in LOOKS]


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A ledger of a scan that was left in the middle, with other keys."""
    path = tmp_path / "ledger"
    read(path, most=4)
    with closing(LedgerFile(path)) as file:
        file.write("UPDATE seals SET seal = zeroblob(16)")
    return path


def _scan(provider: Any, ledger: Path) -> Records:
    return scan(provider, over=OVER, depth="sessions", ledger=ledger)


def entered(path: Path, beside: Callable[[asyncio.Task[None]], Any]) -> None:
    """Enters a scan with a ledger, and does something else at the same time."""

    async def enter() -> None:
        async with Stage("agora", WORLD).provider() as provider, _scan(provider, path):
            pass

    async def scenario() -> None:
        task = asyncio.ensure_future(enter())
        await beside(task)
        await task

    run(scenario)


@pytest.mark.parametrize(("where", "name"), LOOKS, ids=IDS)
def test_the_loop_turns_while_a_scan_looks_at_all_rows_of_its_ledger(
    where: Any, name: str, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, turned = threading.Event(), threading.Event()
    look = getattr(where, name)

    def waits(*values: Any, **options: Any) -> Any:
        looking.set()
        assert turned.wait(10), "the loop has not turned"
        return look(*values, **options)

    async def turn(_: object) -> None:
        await asyncio.to_thread(looking.wait, 10)
        turned.set()

    monkeypatch.setattr(where, name, waits)
    entered(begun, turn)


@pytest.mark.parametrize(("where", "name"), LOOKS, ids=IDS)
def test_who_is_cancelled_meanwhile_leaves_no_look_behind_and_gives_the_ledger_up(
    where: Any, name: str, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = threading.Event()

    def endless(one: Any, *values: Any, **_: Any) -> None:
        connection = one._file._connection if name == "distrust" else one if name == "_check_all" else values[0]
        looking.set()
        for _ in connection.execute(ENDLESS):
            pass

    async def cancel(task: asyncio.Task[None]) -> None:
        await asyncio.to_thread(looking.wait, 10)
        task.cancel()

    threads = threading.active_count()
    with monkeypatch.context() as patched:
        patched.setattr(where, name, endless)
        with pytest.raises(asyncio.CancelledError):
            entered(begun, cancel)
    assert threads == threading.active_count()
    assert not read(begun)[0], "it goes on, and says that it was changed"


def test_a_scan_whose_entering_failed_may_be_entered_again_and_one_that_enters_may_not(
    begun: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with Stage("agora", WORLD).provider() as provider:
            records = _scan(provider, tmp_path / "none" / "ledger")
            for _ in range(2):
                with pytest.raises(Exception, match="cannot be opened"):
                    await records.__aenter__()
            records = _scan(provider, begun)
            first = asyncio.ensure_future(records.__aenter__())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="can be entered once"):
                await records.__aenter__()
            await first
            await records.__aexit__(None, None, None)

    run(scenario)


def test_a_bookmark_that_is_kept_while_a_scan_begins_is_not_undone_with_it(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger")) as ledger:
        kept = threading.Event()

        def keep() -> None:
            ledger.keep("mine")
            kept.set()

        beside = threading.Thread(target=keep)
        with suppress(ZeroDivisionError), ledger._file.transaction():
            beside.start()
            kept.wait(0.2)
            _ = 1 / 0
        beside.join()
        assert "mine" == ledger.bookmark


def test_no_statement_goes_through_all_calls_or_sorts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(LedgerFile(tmp_path / "ledger")) as file:
        execute, rows = file.rows, Rows(file, "agora")
        plans: dict[str, list[str]] = {}

        def explained(statement: str, values: Any = ()) -> list[Any]:
            plans[statement] = [row[-1] for row in execute(f"EXPLAIN QUERY PLAN {statement}", values)]
            return execute(statement, values)

        monkeypatch.setattr(file, "rows", explained)
        monkeypatch.setattr(file, "sweep", explained)
        states = (State.PENDING, State.AGAIN, State.EARLY)
        for step in (
            partial(rows.change, State.LOST, State.TOLD, run=3),
            partial(rows.count, tuple(State)),
            lambda: [*rows.left(states, up_to=3), *rows.lost_rows(up_to=3)],
            rows.doubt_pending,
            partial(rows.prune, 7),
        ):
            step()
        assert 7 == len(plans)
        for statement, plan in plans.items():
            assert not any("SCAN calls" in step or "TEMP B-TREE" in step for step in plan), (statement, plan)
            assert all("state=?" in step or "oldest" in step for step in plan if "SEARCH" in step), (statement, plan)
