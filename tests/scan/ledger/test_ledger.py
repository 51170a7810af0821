"""A ledger is one scan's, one at a time, and says so in words when it cannot be used."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import BadInput, Last, LedgerUnusable, Provider, TimeRange, scan
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.scan import CallRecord
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.scan.options import Since
from tests.support.simulated_scans import END, START, WHOLE, Vendors, read
from tests.support.virtual_time import run


def scanned(
    ledger: Path | Ledger, *, make: Callable[[Vendors], Provider] = Vendors.agora, **options: Any
) -> list[CallRecord]:
    async def scenario() -> list[CallRecord]:
        found, _ = await read(make(Vendors()), **{"over": WHOLE, "depth": "calls", **options}, ledger=ledger)
        return found

    return run(scenario)


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with Ledger(path) as ledger:
        scanned(ledger)
        for name in sorted(tmp_path.iterdir()):
            assert 0o600 == stat.S_IMODE(name.stat().st_mode), name
        assert "wal" == sqlite3_mode(ledger)


def sqlite3_mode(ledger: Ledger) -> str:
    ((mode,),) = ledger._file.rows("PRAGMA journal_mode")
    return str(mode)


def test_a_second_scan_is_refused_while_the_first_has_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger"

    async def scenario() -> None:
        async with scan(Vendors().agora(), over=WHOLE, depth="calls", ledger=path) as records:
            await anext(records)
            second = Vendors()
            with pytest.raises(LedgerUnusable, match="in use by another scan"):
                async with scan(second.agora(), over=WHOLE, depth="calls", ledger=path):
                    pass
            assert not second.servers[0].arrivals
        rest, _ = await read(Vendors().agora(), over=WHOLE, depth="calls", ledger=path)
        assert 14 == len(rest), "the one in hand was not acknowledged"

    run(scenario)


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_lock_that_is_let_go_at_once_as_by_who_came_at_the_same_instant_refuses_nobody(
    mode: str, tmp_path: Path
) -> None:
    path = tmp_path / "ledger"
    with Ledger(path) as ledger:
        ledger.keep("here")
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute(f"PRAGMA journal_mode = {mode}")
        other.execute("BEGIN")
        other.execute("SELECT * FROM facts").fetchall()
        letting_go = threading.Timer(0.05, other.close)
        letting_go.start()
        with Ledger(path) as ledger:
            assert "here" == ledger.bookmark
        letting_go.join()


def test_an_open_ledger_serves_one_scan_at_a_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        with Ledger(tmp_path / "ledger") as ledger:
            async with scan(Vendors().agora(), over=WHOLE, depth="calls", ledger=ledger) as records:
                await anext(records)
                with pytest.raises(LedgerUnusable, match="in use by another scan"):
                    async with scan(Vendors().agora(), over=WHOLE, depth="calls", ledger=ledger):
                        pass
                await anext(records)
            found, _ = await read(Vendors().agora(), over=WHOLE, depth="calls", ledger=ledger)
            assert 13 == len(found)

    run(scenario)


def _hold(path: str, told: Any) -> None:
    ledger = Ledger(path)
    told.send("held")
    told.recv()
    del ledger


@pytest.mark.skipif(os.name != "posix", reason="kill -9 as POSIX has it")
def test_the_lock_dies_with_the_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hold, args=(str(path), theirs))
    process.start()
    try:
        assert "held" == ours.recv()
        with pytest.raises(LedgerUnusable, match="in use"):
            Ledger(path)
    finally:
        process.kill()
        process.join()
        ours.close()
        theirs.close()
    Ledger(path).close()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"depth": "sessions"}, "depth"),
        ({"channel": "a room"}, "channel"),
        ({"call_ids": ["a"]}, "calls"),
        ({"over": TimeRange(START, END - HOUR)}, "range"),
        ({"over": Last(hours=3)}, "range"),
        ({"over": Since(first=Last(hours=3))}, "range"),
        ({"make": Vendors.tencent}, "app or account of agora, app or account of tencent"),
        ({"depth": "sessions", "users": ["u"]}, "depth, users"),
    ],
    ids=["depth", "channel", "calls", "range", "last", "since", "vendor", "users"],
)
def test_the_ledger_of_another_scan_is_refused_in_words(options: dict[str, Any], told: str, tmp_path: Path) -> None:
    scanned(tmp_path / "ledger")
    with pytest.raises(LedgerUnusable, match=f"of another scan: it differs in {told};"):
        scanned(tmp_path / "ledger", **options)
    assert [] == scanned(tmp_path / "ledger"), "a refusal spoils nothing"


def test_another_account_is_refused(tmp_path: Path) -> None:
    def another(vendors: Vendors) -> Provider:
        provider = vendors.agora()
        provider.identity = "somebody else's"
        return provider

    scanned(tmp_path / "ledger")
    with pytest.raises(LedgerUnusable, match="app or account of agora"):
        scanned(tmp_path / "ledger", make=another)


@pytest.mark.parametrize(
    "kind",
    [
        "text",
        "another database",
        "a later version",
        "cut",
        "garbled",
        "garbled at its end",
        "directory",
        "missing folder",
    ],
)
def test_what_is_no_ledger_is_refused_and_left_alone(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    if kind == "text":
        path.write_text("calls, as I remember them\n" * 100)
    elif kind == "another database":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE facts (name TEXT)")
    elif kind == "directory":
        path.mkdir()
    elif kind == "missing folder":
        path = path / "in it"
    else:
        scanned(path)
        if kind == "a later version":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA user_version = 99")
        elif kind == "cut":
            os.truncate(path, path.stat().st_size // 2)
        else:
            body = bytearray(path.read_bytes())
            page = 4_096 if kind == "garbled" else len(body) - 4_096  # the facts; the youngest index
            body[page : page + 64] = b"\xff" * 64
            path.write_bytes(bytes(body))
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(LedgerUnusable, match=str(path)):
        scanned(path)
    assert before == (path.read_bytes() if path.is_file() else b"")
    assert [] == [name for name in tmp_path.iterdir() if name != path and name.name != "ledger"]


def test_nothing_is_asked_if_the_ledger_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_text("no ledger " * 500)
    vendors = Vendors()

    async def scenario() -> None:
        await read(vendors.agora(), over=WHOLE, ledger=path)

    with pytest.raises(LedgerUnusable):
        run(scenario)
    assert not vendors.servers[0].arrivals


def test_it_holds_no_secret_and_no_name_that_was_asked_for(tmp_path: Path) -> None:
    vendors = Vendors()
    user = vendors.world.sessions(vendors.world.call_at("agora", 3))[0].user_id
    path = tmp_path / "ledger"

    async def scenario() -> None:
        options: dict[str, Any] = {"over": WHOLE, "depth": "sessions", "users": [user], "channel": "secret-channel"}
        async with scan(vendors.agora(), vendors.tencent(), ledger=path, **options) as records:
            async for _ in records:
                pass

    run(scenario)
    kept = b"".join(name.read_bytes() for name in tmp_path.iterdir())
    for server in vendors.servers:
        for secret in map(str, dict(server.credentials).values()):
            assert secret.encode() not in kept
    assert b"secret-channel" not in kept


def test_settled_calls_leave_a_digest_and_no_data(tmp_path: Path) -> None:
    scanned(tmp_path / "ledger")
    with closing(sqlite3.connect(tmp_path / "ledger")) as connection:
        rows = connection.execute("SELECT length(digest), state, call FROM calls").fetchall()
    assert [(16, 0, None)] * 14 == rows


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"over": Since(first=Last(hours=1))}, "needs ledger="),
        ({"over": Since(first=Last(hours=1)), "ledger": "x", "call_ids": ["a"]}, "takes no call_ids"),
        ({"ledger": 3}, "ledger must be"),
        ({"acknowledge": "never"}, "acknowledge must be"),
        ({"budget": 3}, "budget must be"),
        ({"priority": "urgent"}, "priority must be"),
        ({"hooks": [3]}, "hook"),
    ],
    ids=str,
)
def test_bad_arguments_are_told_before_anything_is_asked(options: dict[str, Any], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        scan(Vendors().agora(), **{"over": WHOLE, **options})


@pytest.mark.parametrize(
    "wrong", [{"first": WHOLE}, {"look_back_s": -1}, {"look_back_s": 0.5}, {"look_back_s": True}], ids=str
)
def test_since_takes_a_length_and_a_look_back(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        Since(**{"first": Last(hours=1), **wrong})


def test_an_acknowledgement_after_the_end_of_the_scan_is_refused_in_words(tmp_path: Path) -> None:
    async def scenario() -> None:
        vendors = Vendors(calls=2)
        async with scan(
            vendors.agora(), over=WHOLE, depth="calls", ledger=tmp_path / "l", acknowledge="by hand"
        ) as one:
            taken = [record async for record in one]
        with pytest.raises(LedgerUnusable, match="is closed, as it is when its scan has ended"):
            one.acknowledge(taken[0])

    run(scenario)


def test_a_bookmark_is_kept_with_its_acknowledgement(tmp_path: Path) -> None:
    async def scenario() -> None:
        with Ledger(tmp_path / "ledger") as ledger:
            assert "" == ledger.bookmark
            async with scan(
                Vendors().agora(), over=WHOLE, depth="calls", ledger=ledger, acknowledge="by hand"
            ) as records:
                record = await anext(records)
                records.acknowledge(record, bookmark="1 of them")
                await anext(records)
        with Ledger(tmp_path / "ledger") as ledger:
            assert "1 of them" == ledger.bookmark
            found, _ = await read(Vendors().agora(), over=WHOLE, depth="calls", ledger=ledger)
            assert 13 == len(found)
            assert record.call.call_id not in {one.call.call_id for one in found}

    run(scenario)
