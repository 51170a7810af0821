"""Who can write a ledger, and does not have the provider's secret, cannot make a scan say that all was read."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from agora_tencent_analytics import AgoraProvider, LedgerUnusable, TencentProvider, fixed_credentials, scan
from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.http.credentials import seal_key
from agora_tencent_analytics.limits import HOUR
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.scan import Report
from agora_tencent_analytics.scan.ledger.file import LedgerFile
from agora_tencent_analytics.scan.ledger.rows import LaneState, Rows, State
from agora_tencent_analytics.scan.ledger.seal import Seals
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.timerange import TimeRange
from tests.scan.ledger.test_hostile import OVER, WORLD
from tests.scan.ledger.test_since import job, world
from tests.support.mutated_files import forge
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

ALL = frozenset(call.call_id for call in WORLD.calls("agora"))


class Scanned(NamedTuple):
    """What a scan with a ledger gave, and what it cost."""

    calls: list[str]
    report: Report
    asked: int


def scanned(ledger: Path, *, most: int = 99, key: bytes | None = b"the secret's", **options: Any) -> Scanned:
    async def scenario() -> Scanned:
        stage = Stage("agora", WORLD)
        found: list[str] = []
        async with stage.provider() as provider:
            assert provider.seal_key is not None
            provider.seal_key = Secret(key) if key else None
            given: dict[str, Any] = {"over": OVER, "depth": "sessions", "on_error": "report", "workers": 1, **options}
            async with scan(provider, ledger=ledger, **given) as records:
                async for record in records:
                    if len(found) == most:
                        break
                    found += [record.call.call_id] if record.last else []
            return Scanned(found, records.report, stage.asked)

    return run(scenario)


def is_unsealed(report: Report) -> bool:
    return "does not bear the seal" in " ".join(report.vendors["agora"].doubts)


FORGERIES = {
    "all is listed and settled": ("DELETE FROM stretches", "UPDATE calls SET state = 0, call = NULL"),
    "one call was never listed": ("DELETE FROM calls WHERE number = (SELECT max(number) FROM calls WHERE state = 1)",),
    "one call is settled": (
        "UPDATE calls SET state = 0, call = NULL WHERE number = (SELECT max(number) FROM calls WHERE state = 1)",
    ),
    "its calls are those of a later scan": ("UPDATE calls SET run = 1 << 40",),
    "a call is another": (
        "UPDATE calls SET call = (SELECT call FROM calls WHERE state = 1) "
        "WHERE number = (SELECT max(number) FROM calls WHERE state = 1)",
    ),
    "nobody has begun, and all is settled": (
        *("DELETE FROM stretches", "DELETE FROM lanes"),
        "UPDATE calls SET state = 0, call = NULL",
    ),
    "the seal of another's": ("DELETE FROM stretches", "UPDATE seals SET seal = zeroblob(16)"),
    "an earlier version's": (
        *("DELETE FROM stretches", "UPDATE calls SET state = 0, call = NULL"),
        *("DROP TABLE seals", "PRAGMA user_version = 3"),
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_killed_scans_ledger_that_somebody_has_written_into_makes_nothing_complete(what: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    scanned(path, most=4)
    forge(path, *FORGERIES[what])
    told = scanned(path)
    assert told.asked
    assert is_unsealed(told.report)
    assert not told.report.complete
    assert not scanned(path).report.complete, "nor does the next scan, for which this one has sealed it"


def test_calls_that_were_put_where_none_is_looked_for_make_nothing_complete(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    scanned(path, most=4)
    forge(path, "UPDATE calls SET number = -number")
    with pytest.raises(LedgerUnusable, match="a row of its table calls cannot be"):
        scanned(path)


def test_a_range_whose_listing_was_taken_out_is_listed_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    before = scanned(path, most=4)
    forge(path, "DELETE FROM stretches", "DELETE FROM calls WHERE state = 1")
    told = scanned(path)
    assert ALL == {*before.calls, *told.calls}
    assert not set(before.calls) & set(told.calls), "what it says was dealt with is believed"


def test_a_range_in_which_nothing_is_said_to_have_been_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    scanned(path, most=4)
    forge(path, "DELETE FROM stretches", "DELETE FROM calls")
    told = scanned(path)
    assert told.report.complete
    assert ALL == set(told.calls)


def test_a_cursor_that_leaves_out_the_rest_of_a_listing_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with closing(LedgerFile(path)) as file:
        rows = Rows(file, "agora", Secret(b"key"))
        rows.add_range(TimeRange(7, 9))
    for cursor, sound in (("NULL", True), ("'the end'", False)):
        forge(path, f"UPDATE stretches SET cursor = {cursor}")
        with closing(LedgerFile(path)) as file:
            assert sound is Rows(file, "agora", Secret(b"key")).sound


def test_a_ledger_of_a_shallower_scan_does_not_pass_for_one_of_a_deeper_one(tmp_path: Path) -> None:
    path, deeper = tmp_path / "ledger", tmp_path / "deeper"
    assert scanned(path, depth="calls").report.complete
    scanned(deeper, most=0)
    with closing(sqlite3.connect(deeper)) as file:
        facts = file.execute("SELECT name, value FROM facts").fetchall()
    forge(path, *(f"UPDATE facts SET value = '{value}' WHERE name = '{name}'" for name, value in facts))
    told = scanned(path)
    assert is_unsealed(told.report)
    assert not told.report.complete


def test_a_note_that_cannot_be_one_is_refused_where_no_seal_tells(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    scanned(path, most=4, key=None)
    for note in ("7", '[[],[["calls",9,7]]]', "[[]", '{"a":1}'):
        forge(path, f"UPDATE lanes SET note = '{note}'")
        with pytest.raises(LedgerUnusable, match="the note that the ledger holds cannot be one"):
            scanned(path, key=None)


def test_a_daily_job_tells_it_once_and_goes_on(tmp_path: Path) -> None:
    made, path = world(calls=80), tmp_path / "ledger"
    first, report, _ = job(path, made, EPOCH)
    assert report.complete
    forge(path, "DELETE FROM seals")
    second, report, vendors = job(path, made, EPOCH + HOUR)
    assert (True, False) == (is_unsealed(report), report.complete)
    assert vendors.servers[0].arrivals
    third, report, _ = job(path, made, EPOCH + 2 * HOUR)
    assert (False, True) == (is_unsealed(report), report.complete)
    settled = {record.call.call_id for record in first if record.call.finished}
    assert not settled & {record.call.call_id for record in (*second, *third) if not record.again}


def test_another_secret_lists_again_and_gives_no_call_twice(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    before = scanned(path, most=4)
    told = scanned(path, key=b"another")
    assert is_unsealed(told.report)
    assert sorted(ALL) == sorted([*before.calls, *told.calls])


def test_another_secret_changes_nothing_where_nothing_was_read(tmp_path: Path) -> None:
    """A first try with a wrong secret, say."""
    path = tmp_path / "ledger"
    scanned(path, most=0, key=b"another", budget=Budget(requests=0))
    with closing(sqlite3.connect(path)) as file:
        assert [(1,)] == file.execute("SELECT count(*) FROM lanes").fetchall()
    told = scanned(path)
    assert told.report.complete
    assert ALL == set(told.calls)


def test_where_the_account_outlives_its_keys_a_ledger_is_believed(tmp_path: Path) -> None:
    """What is not defended, as SECURITY.md says: nothing can be made of keys that come and go."""
    path = tmp_path / "ledger"
    scanned(path, most=4, key=None)
    forge(path, "DELETE FROM stretches", "UPDATE calls SET state = 0, call = NULL")
    told = scanned(path, key=None)
    assert (True, 0) == (told.report.complete, told.asked)


def test_the_ledger_of_a_killed_scan_costs_no_request_more(tmp_path: Path) -> None:
    closed, killed = tmp_path / "closed", tmp_path / "killed"
    for path in (closed, killed):
        scanned(path, most=4)
    forge(killed)
    as_ever, after = scanned(closed), scanned(killed)
    assert (as_ever.asked, as_ever.calls) == (after.asked, after.calls)
    assert after.report.complete


def test_what_is_undone_leaves_the_seal_as_it_was(tmp_path: Path) -> None:
    path, key = tmp_path / "ledger", Secret(b"key")
    with closing(LedgerFile(path)) as file:
        rows, beside = Rows(file, "agora", key), Rows(file, "tencent", key)
        rows.add_range(TimeRange(7, 9))
        beside.add_range(TimeRange(7, 9))
        with suppress(ZeroDivisionError), rows.transaction():
            rows.stand(LaneState(7, 9, 1, ""))
            rows.add_range(TimeRange(9, 11))
            _ = 1 / 0
        for run_number in (1, 2):  # the second replaces the first
            rows.stand(LaneState(7, 9, run_number, ""))
    with closing(LedgerFile(path)) as file:
        assert [True, True] == [Rows(file, lane, key).sound for lane in ("agora", "tencent")]
        assert not Rows(file, "agora", Secret(b"other")).sound


def test_what_changes_every_row_of_a_large_ledger_takes_the_time_that_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, key, most = tmp_path / "ledger", Secret(b"key"), 3_000
    with closing(LedgerFile(path)) as file, file.transaction():
        file.write(
            f"INSERT INTO calls (lane, digest, state, run, ended, call) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
            f"FROM n WHERE i < {most}) SELECT 'agora', randomblob(16), 1, 1, i, x'7b7d' FROM n"
        )
    now = [0.0]

    def weigh(seals: Seals, *values: Any) -> None:
        now[0] += 0.01  # so many rows stand for a thousand times as many
        weighs(seals, *values)

    weighs = Seals._weigh
    monkeypatch.setattr(Seals, "_weigh", weigh)
    monkeypatch.setattr("agora_tencent_analytics.storage.sqlite.time", SimpleNamespace(monotonic=lambda: now[0]))
    with closing(LedgerFile(path)) as file:
        rows = Rows(file, "agora", key)
        assert not rows.sound
        assert rows.distrust()
        rows.doubt_pending()
        rows.change(State.AGAIN, State.TOLD, run=2)
        rows.prune(most - 1)
    with closing(LedgerFile(path)) as file:
        rows = Rows(file, "agora", key)
        assert (True, 2) == (rows.sound, rows.count((State.TOLD,)))


def test_every_provider_has_a_key_of_its_secrets_unless_its_account_outlives_them() -> None:
    agora: dict[str, Any] = {"app_id": "a", "plan": "premium", "store": ":memory:"}
    pair: dict[str, Any] = {"customer_id": "i", "customer_secret": "s"}
    tencent: dict[str, Any] = {"sdk_app_id": 1, "plan": "premium", "region": "r", "store": ":memory:"}
    keys: dict[str, Any] = {"secret_id": "i", "secret_key": "k"}
    rotated: dict[str, Any] = pair | {"customer_secret": "t"}
    made = [
        AgoraProvider(**agora, **pair),
        AgoraProvider(**agora, **rotated),
        TencentProvider(**tencent, **keys),
        TencentProvider(**tencent, **keys, token="t"),
    ]
    assert 4 == len({provider.seal_key for provider in made} - {None})
    assert made[0].seal_key == AgoraProvider(**agora, **pair).with_options().seal_key
    assert AgoraProvider(**agora, **pair, account="production").seal_key is None
    outlived = fixed_credentials(AgoraCredentials(**pair))
    assert AgoraProvider(**agora, credentials=outlived, account="production").seal_key is None


@pytest.mark.parametrize(
    ("one", "other"), [("a", "b"), (("i", "a"), ("i", "b")), (("i", "a", "b"), ("i", "ab")), ({"x": "a"}, {"x": "b"})]
)
def test_the_key_is_of_all_secrets_and_shows_none(one: Any, other: Any) -> None:
    assert seal_key(one) == seal_key(one) != seal_key(other)
    assert "'***'" == repr(seal_key(one))
