"""The two stores keep one contract; the file keeps it over processes."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from agora_tencent_analytics.errors import QuotaUnavailable
from agora_tencent_analytics.runtime import sqlite_store
from agora_tencent_analytics.runtime.sqlite_store import SqliteStore
from agora_tencent_analytics.runtime.store import (
    IN_FLIGHT_AT_MOST_S,
    Claim,
    MemoryStore,
    Outcome,
    QuotaNotPersisted,
    QuotaStore,
    default_path,
    open_store,
)

KEY = ("account", "call/lists")
TODAY = 20_717
NOW = 1_790_000_000.0

Opener = Callable[[], QuotaStore]


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> QuotaStore:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "quota.sqlite3")


def claim(owner: str = "me", number: int = 1, *, now: float = NOW, room: int = 2, rest_s: float = 60.0) -> Claim:
    return Claim(owner=owner, number=number, now=now, windows=((room, rest_s),))


def test_a_day_holds_exactly_its_limit(store: QuotaStore) -> None:
    outcomes = [store.reserve(KEY, (TODAY,), 3) for _ in range(5)]
    assert [Outcome.GRANTED] * 3 + [Outcome.DAY_SPENT] * 2 == outcomes
    assert 3 == store.used(KEY, TODAY)
    assert Outcome.GRANTED == store.reserve(KEY, (TODAY + 1,), 3)
    assert Outcome.GRANTED == store.reserve(("other", KEY[1]), (TODAY,), 3)
    assert Outcome.GRANTED == store.reserve((KEY[0], "other"), (TODAY,), 3)


def test_two_days_are_taken_together_or_not_at_all(store: QuotaStore) -> None:
    store.reserve(KEY, (TODAY + 1,), 1)
    assert Outcome.DAY_SPENT == store.reserve(KEY, (TODAY, TODAY + 1), 1)
    assert [0, 1] == [store.used(KEY, TODAY), store.used(KEY, TODAY + 1)]


def test_a_refund_gives_the_request_back_but_never_more(store: QuotaStore) -> None:
    store.reserve(KEY, (TODAY,), 1)
    store.refund(KEY, (TODAY, TODAY + 1))
    store.refund(KEY, (TODAY,))
    assert 0 == store.used(KEY, TODAY)
    assert [Outcome.GRANTED, Outcome.DAY_SPENT] == [store.reserve(KEY, (TODAY,), 1) for _ in range(2)]


def test_a_day_marked_spent_stays_spent_after_refunds_but_not_for_a_larger_plan(store: QuotaStore) -> None:
    store.reserve(KEY, (TODAY,), 10)
    store.spend(KEY, TODAY, 10)
    store.refund(KEY, (TODAY,))
    assert Outcome.DAY_SPENT == store.reserve(KEY, (TODAY,), 10)
    assert 10 == store.used(KEY, TODAY)
    assert Outcome.GRANTED == store.reserve(KEY, (TODAY,), 11)
    store.spend(KEY, TODAY + 1, 10)
    assert Outcome.DAY_SPENT == store.reserve(KEY, (TODAY + 1,), 10)


def test_slots_of_others_fill_the_room_and_own_slots_do_not(store: QuotaStore) -> None:
    for number in range(4):
        assert Outcome.GRANTED == store.reserve(KEY, (), 0, claim(number=number))
    assert Outcome.WINDOW_FULL == store.reserve(KEY, (TODAY,), 9, claim("you"))
    assert 0 == store.used(KEY, TODAY)
    assert Outcome.GRANTED == store.reserve(KEY, (TODAY,), 9, claim("you", room=5))


def test_a_slot_rests_from_its_answer_on(store: QuotaStore) -> None:
    mine = claim(number=1)
    store.reserve(KEY, (), 0, mine)
    store.answered(KEY, mine, NOW + 30)
    assert Outcome.WINDOW_FULL == store.reserve(KEY, (), 0, claim("you", now=NOW + 89, room=1))
    assert Outcome.GRANTED == store.reserve(KEY, (), 0, claim("you", now=NOW + 91, room=1))


def test_a_refunded_slot_is_gone(store: QuotaStore) -> None:
    mine = claim()
    store.reserve(KEY, (TODAY,), 9, mine)
    store.refund(KEY, (TODAY,), mine)
    assert () == store.load(KEY, "you", NOW, restart=True)
    store.answered(KEY, mine, NOW)
    assert () == store.load(KEY, "you", NOW, restart=True)


def test_after_a_restart_what_was_in_flight_counts_as_answered_now(store: QuotaStore) -> None:
    dead, done = claim("dead", 1), claim("dead", 2)
    store.reserve(KEY, (), 0, dead)
    store.reserve(KEY, (), 0, done)
    store.answered(KEY, done, NOW + 1)
    assert [NOW + 1, NOW + 20] == sorted(store.load(KEY, "new", NOW + 20, restart=True))
    assert [NOW + 1, NOW + 20] == sorted(store.load(KEY, "new", NOW + 50, restart=False))
    assert () == store.load(KEY, "dead", NOW + 50, restart=True)


def test_a_slot_whose_process_died_is_given_up_in_the_end(store: QuotaStore) -> None:
    store.reserve(KEY, (), 0, claim("dead"))
    late = NOW + IN_FLIGHT_AT_MOST_S + 1
    assert Outcome.WINDOW_FULL == store.reserve(KEY, (), 0, claim("you", now=late - 2, room=1))
    assert Outcome.GRANTED == store.reserve(KEY, (), 0, claim("you", now=late, room=1))


def test_slots_from_a_clock_that_was_set_back_do_not_block(store: QuotaStore) -> None:
    old = claim("old")
    store.reserve(KEY, (), 0, old)
    store.answered(KEY, old, NOW + 3600)
    assert () == store.load(KEY, "you", NOW, restart=False)
    assert Outcome.GRANTED == store.reserve(KEY, (), 0, claim("you", room=1))


def test_slots_do_not_pile_up(store: QuotaStore) -> None:
    for number in range(500):
        one = claim(number=number, now=NOW + 100.0 * number)
        store.reserve(KEY, (), 0, one)
        store.answered(KEY, one, one.now)
    assert len(store.load(KEY, "you", NOW + 50_000, restart=False)) <= 64


def test_threads_racing_for_a_day_take_exactly_the_limit(store: QuotaStore) -> None:
    granted: list[int] = []

    def take() -> None:
        granted.append(sum(store.reserve(KEY, (TODAY,), 1_000) is Outcome.GRANTED for _ in range(300)))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1_000 == sum(granted) == store.used(KEY, TODAY)


RACER = """
import sys
from agora_tencent_analytics.runtime.sqlite_store import SqliteStore
from agora_tencent_analytics.runtime.store import Outcome
store = SqliteStore(sys.argv[1])
print(sum(store.reserve(("account", "counter"), (1,), 8_000) is Outcome.GRANTED for _ in range(3_000)))
"""


def test_processes_racing_for_a_day_take_exactly_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "fresh" / "quota.sqlite3"
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    granted = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert 8_000 == sum(granted)
    assert 8_000 == SqliteStore(path).used(("account", "counter"), 1)


def test_the_file_outlives_the_store(tmp_path: Path) -> None:
    path = tmp_path / "quota.sqlite3"
    first = SqliteStore(path)
    first.reserve(KEY, (TODAY,), 9)
    first.reserve(KEY, (), 0, claim())
    first.close()
    first.close()
    second = SqliteStore(path)
    assert 1 == second.used(KEY, TODAY)
    assert (NOW + 5,) == second.load(KEY, "new", NOW + 5, restart=True)


def test_a_store_that_is_forgotten_closes_its_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quota.sqlite3")
    store.reserve(KEY, (TODAY,), 9)
    assert (tmp_path / "quota.sqlite3-wal").exists()
    del store
    gc.collect()
    assert not (tmp_path / "quota.sqlite3-wal").exists()


def test_old_days_are_pruned(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quota.sqlite3")
    store.reserve(KEY, (TODAY - 100,), 9)
    store.reserve(KEY, (TODAY - 1,), 9)
    store.reserve(KEY, (TODAY,), 9)
    assert [0, 1, 1] == [store.used(KEY, day) for day in (TODAY - 100, TODAY - 1, TODAY)]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        SqliteStore(tmp_path / "state" / "quota.sqlite3").reserve(KEY, (TODAY,), 9)
    finally:
        os.umask(before)
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "state").iterdir()}
    assert 0o700 == stat.S_IMODE((tmp_path / "state").stat().st_mode)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_opens_the_file_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quota.sqlite3")
    store.reserve(KEY, (TODAY,), 9)
    child = os.fork()
    if not child:
        outcome = store.reserve(KEY, (TODAY,), 9)
        os._exit(0 if outcome is Outcome.GRANTED else 1)
    assert 0 == os.waitpid(child, 0)[1]
    assert 2 == store.used(KEY, TODAY)


def test_an_error_inside_a_step_takes_nothing_and_leaves_the_store_usable(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "quota.sqlite3")
    store.reserve(KEY, (), 0, claim())
    with pytest.raises(sqlite3.IntegrityError):
        store.reserve(KEY, (TODAY,), 9, claim())
    assert 0 == store.used(KEY, TODAY)


def corrupt(path: Path) -> None:
    path.write_bytes(b"this is no database, and never was one" * 100)


def from_the_future(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("spoil", [Path.mkdir, corrupt, from_the_future])
def test_where_no_file_can_be_written_there_is_one_warning_and_memory(
    spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "quota.sqlite3"
    spoil(path)
    with pytest.warns(QuotaNotPersisted, match=r"forgotten when this process ends and not shared") as caught:
        store = open_store(path)
    assert 1 == len(caught)
    assert __file__ == caught[0].filename
    assert isinstance(store, MemoryStore)


def test_a_directory_that_cannot_be_made_is_a_warning_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "file"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "file")
    with pytest.warns(QuotaNotPersisted):
        assert isinstance(open_store(), MemoryStore)


def test_what_is_asked_for_is_opened_without_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    own = MemoryStore()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(open_store(":memory:"), MemoryStore)
        assert isinstance(open_store(str(tmp_path / "a.sqlite3")), SqliteStore)
        assert isinstance(open_store(tmp_path / "b.sqlite3"), SqliteStore)
        assert isinstance(open_store(), SqliteStore)
        assert own is open_store(own)
    assert default_path().is_file()
    assert tmp_path in default_path().parents


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", "home/.local/state/agora_tencent_analytics/quota.sqlite3"),
        ("darwin", "home/Library/Application Support/agora_tencent_analytics/quota.sqlite3"),
        ("win32", "home/AppData/Local/agora_tencent_analytics/quota.sqlite3"),
    ],
)
def test_each_system_has_its_state_directory(platform: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert Path(expected) == default_path()


def test_while_the_file_is_locked_nothing_is_granted_and_what_is_spent_stays_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "_BUSY_TIMEOUT_S", 0.01)
    store, mine = SqliteStore(tmp_path / "quota.sqlite3"), claim()
    store.reserve(KEY, (TODAY,), 9, mine)
    with contextlib.closing(sqlite3.connect(tmp_path / "quota.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(QuotaUnavailable, match="locked"):
            store.reserve(KEY, (TODAY,), 9)
        store.answered(KEY, mine, NOW)
        store.refund(KEY, (TODAY,), mine)
        other.execute("ROLLBACK")
    assert 1 == store.used(KEY, TODAY)
    assert Outcome.GRANTED == store.reserve(KEY, (TODAY,), 9)


def test_a_new_file_that_stays_locked_is_given_up_after_some_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "_BUSY_TIMEOUT_S", 0.01)
    monkeypatch.setattr(sqlite_store, "_SWITCH_ATTEMPTS", 3)
    with contextlib.closing(sqlite3.connect(tmp_path / "quota.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.warns(QuotaNotPersisted, match="locked"):
            open_store(tmp_path / "quota.sqlite3")
