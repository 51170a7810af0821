"""Killed at any instant and started again on its ledger, a scan reads what is left: all of it, and nothing twice."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import attrs
import pytest

from agora_tencent_analytics import Limits, Plan, Provider, TimeRange, scan
from agora_tencent_analytics.agora.plans import CALL_DETAIL, CALL_LISTS
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.notices import Notice
from agora_tencent_analytics.scan import CallRecord, Report
from agora_tencent_analytics.simulator import SimulatedVendor
from tests.support.long_runs import by_turns
from tests.support.simulated_scans import END, START, WHOLE, Vendors, exact, read, truth_of
from tests.support.virtual_time import EPOCH, run

LATER = EPOCH + HOUR
"""By then everything in the world is settled: no listing is repeated."""
SMALL: dict[str, Any] = {"call_seconds": 900, "sessions_per_call": 3, "points_per_series": 10}


def pages_of(rows: int) -> Plan:
    """Agora with small pages and short windows, so that there is much to list."""
    figures = {"history_s": 15 * DAY, "page_size": rows}
    rows_of = {
        CALL_LISTS: Limits(span_s=2 * HOUR, lag_s=20, **figures),  # type: ignore[arg-type]
        CALL_DETAIL: Limits(span_s=6 * HOUR, lag_s=100, **figures),  # type: ignore[arg-type]
    }
    return Plan(vendor="agora", name="small", rows=rows_of, source="", read_on="")


def provider_of(vendors: Vendors, vendor: str) -> Provider:
    latency = (0.02, 0.3)
    return vendors.agora(pages_of(4), latency=latency) if vendor == "agora" else vendors.tencent(latency=latency)


def asked(server: SimulatedVendor, name: str) -> Counter[str]:
    """How often each call was asked about; the listing under the empty id."""
    return Counter(str(arrival.facts.get(name, "")) for arrival in server.arrivals)


ID = {"agora": "call_id", "tencent": "CommId"}


@attrs.define
class Image:
    """The ledger as it lies on the disk at the n-th notice of a scan: what a kill at that instant would leave."""

    source: Path
    at: int
    copy: Path = attrs.field(init=False)
    seen: int = 0
    arrived: int = 0
    server: SimulatedVendor | None = None

    def __attrs_post_init__(self) -> None:
        self.copy = self.source.with_name(f"image-{self.at}")

    def __call__(self, notice: Notice) -> None:
        self.seen += 1
        if self.seen == self.at:
            for ending in ("", "-wal"):
                if Path(f"{self.source}{ending}").exists():
                    shutil.copy(f"{self.source}{ending}", f"{self.copy}{ending}")
            if self.server is not None:
                self.arrived = len(self.server.arrivals)


def settled(path: Path) -> set[bytes]:
    """Digests of the calls that a ledger will not ask for again."""
    probe = path.with_name("probe")
    for ending in ("", "-wal"):
        if Path(f"{path}{ending}").exists():
            shutil.copy(f"{path}{ending}", f"{probe}{ending}")
    with closing(sqlite3.connect(probe)) as connection:
        found = {digest for (digest,) in connection.execute("SELECT digest FROM calls WHERE state = 0")}
    for left in probe.parent.glob("probe*"):
        left.unlink()
    return found


def digest(call_id: str) -> bytes:
    return blake2b(call_id.encode(), digest_size=16).digest()


@pytest.mark.parametrize(("vendor", "depth"), by_turns(3, ["agora", "tencent"], ["calls", "metrics", "sessions"]))
def test_killed_at_any_instant_nothing_is_lost_and_nothing_acknowledged_is_asked_again(
    vendor: Any, depth: Any, tmp_path: Path
) -> None:
    first = Vendors(epoch=LATER, calls=12, **SMALL)
    truth = truth_of(first.world, vendor, WHOLE, depth=depth)
    steps: list[Notice] = []

    async def undisturbed() -> None:
        provider = provider_of(first, vendor)
        await read(provider, over=WHOLE, depth=depth, ledger=tmp_path / "whole", workers=4, hooks=[steps.append])

    run(undisturbed)
    price = asked(first.servers[0], ID[vendor])
    every = max(1, len(steps) // (15 if depth == "sessions" else 8))
    for at in range(1, len(steps), every):
        vendors = Vendors(first.world, epoch=LATER)
        image = Image(tmp_path / f"ledger-{at}", at)
        found: list[CallRecord] = []

        async def scenario(vendors: Vendors = vendors, image: Image = image, found: list[CallRecord] = found) -> Report:
            provider = provider_of(vendors, vendor)
            image.server = vendors.servers[0]
            async with scan(
                provider, over=WHOLE, depth=depth, ledger=image.source, workers=4, hooks=[image]
            ) as records:
                async for record in records:
                    found.append(record)
            return records.report

        run(scenario)
        if not image.copy.exists():
            continue
        done = settled(image.copy)
        kept = [record for record in found if digest(record.call.call_id) in done]
        assert len(done) == len({record.call.call_id for record in kept})

        again = Vendors(first.world, epoch=LATER)

        async def resumed(again: Vendors = again, image: Image = image) -> tuple[list[CallRecord], Report]:
            return await read(provider_of(again, vendor), over=WHOLE, depth=depth, ledger=image.copy, workers=4)

        rest, report = run(resumed)
        assert truth == exact([*kept, *rest]), f"killed at notice {at}"
        assert not {digest(record.call.call_id) for record in rest} & done
        assert not any(record.again for record in rest)
        assert report.complete
        assert len(done) == report.vendors[vendor].already
        spent = asked(again.servers[0], ID[vendor])
        paid = Counter(
            str(arrival.facts.get(ID[vendor], "")) for arrival in list(vendors.servers[0].arrivals)[: image.arrived]
        )
        for call_id, requests in spent.items():
            if call_id:
                assert digest(call_id) not in done, "what was acknowledged is not asked again"
                assert requests <= price[call_id]
        assert spent[""] + paid[""] <= price[""] + 1, "a page of a listing is paid for once, but for one in flight"


@pytest.mark.parametrize("vendor", ["agora", "tencent"])
def test_left_at_any_record_it_goes_on_after_the_last_one_acknowledged(vendor: Any, tmp_path: Path) -> None:
    world = Vendors(calls=12, **SMALL).world
    truth = truth_of(world, vendor, WHOLE, depth="sessions")
    for number in range(1, len(truth) + 1, 3):
        kept: list[CallRecord] = []

        async def broken(number: int = number, kept: list[CallRecord] = kept) -> None:
            vendors = Vendors(world)
            async with scan(
                provider_of(vendors, vendor), over=WHOLE, depth="sessions", ledger=tmp_path / f"at {number}"
            ) as records:
                async for record in records:
                    kept.append(record)
                    if len(kept) == number:
                        raise KeyError("boom")

        with pytest.raises(KeyError):
            run(broken)
        *kept, last = kept

        async def resumed(number: int = number) -> tuple[list[CallRecord], Report]:
            vendors = Vendors(world)
            return await read(
                provider_of(vendors, vendor), over=WHOLE, depth="sessions", ledger=tmp_path / f"at {number}"
            )

        rest, report = run(resumed)
        assert truth == exact([*kept, *rest])
        assert last.call.call_id in {record.call.call_id for record in rest}, "it was in hand, and not acknowledged"
        assert report.complete


@pytest.mark.parametrize("over", [TimeRange(START, END - HOUR), WHOLE], ids=["settled", "up to the recent minutes"])
def test_a_scan_that_is_done_asks_nothing_but_the_recent_end_of_its_listing(over: TimeRange, tmp_path: Path) -> None:
    vendors = Vendors()

    async def scenario() -> tuple[list[CallRecord], Report]:
        options: dict[str, Any] = {"over": over, "depth": "sessions", "ledger": tmp_path / "ledger"}
        await read(vendors.agora(), **options)
        vendors.time.step(60)
        return await read(vendors.agora(), **options)

    again, report = run(scenario)
    assert [] == again
    assert report.complete
    assert len(truth_of(vendors.world, "agora", over, depth="sessions")) == report.vendors["agora"].already
    spent = [(arrival.endpoint, arrival.facts["start_ts"]) for arrival in vendors.servers[1].arrivals]
    assert ([] if over.end < END else [("call/lists", str(int(EPOCH) - 1_800))]) == [(a, str(b)) for a, b in spent]


def test_parts_of_a_very_large_call_settle_nothing_before_the_last(tmp_path: Path) -> None:
    world = Vendors(calls=3, sessions_per_call=250, call_seconds=600).world

    async def scenario() -> tuple[list[CallRecord], list[CallRecord]]:
        first = []
        async with scan(
            Vendors(world).agora(), over=WHOLE, depth="sessions", workers=1, ledger=tmp_path / "ledger"
        ) as records:
            async for record in records:
                first.append(record)
                if (record.part, record.last) == (1, False) and len({one.call.call_id for one in first}) == 2:
                    break
        rest, _ = await read(Vendors(world).agora(), over=WHOLE, depth="sessions", ledger=tmp_path / "ledger")
        return first, rest

    first, rest = run(scenario)
    whole = [record for record in first if record.call.call_id == first[0].call.call_id]
    assert [0, 1, 2] == [record.part for record in whole]
    begun = {record.call.call_id for record in first[:-1]} - {whole[0].call.call_id}
    assert begun == {record.call.call_id for record in rest if record.again}, "of it a part was acknowledged"
    assert len(begun) == 1
    assert truth_of(world, "agora", WHOLE, depth="sessions") == exact([*whole, *rest])


def test_by_hand_only_what_was_acknowledged_is_settled(tmp_path: Path) -> None:
    world = Vendors().world
    options: dict[str, Any] = {"over": WHOLE, "depth": "calls", "ledger": tmp_path / "ledger"}

    async def scenario() -> tuple[list[CallRecord], list[CallRecord], list[CallRecord]]:
        taken = []
        async with scan(Vendors(world).agora(), acknowledge="by hand", **options) as records:
            async for record in records:
                taken.append(record)
                if len(taken) % 2:
                    records.acknowledge(record)
        rest, _ = await read(Vendors(world).agora(), acknowledge="by hand", **options)
        last, _ = await read(Vendors(world).agora(), **options)
        return taken, rest, last

    taken, rest, last = run(scenario)
    left = {record.call.call_id for record in taken[1::2]}
    assert 14 == len(taken)
    assert left == {record.call.call_id for record in rest} == {record.call.call_id for record in last}


def test_a_call_without_the_users_wanted_is_settled_without_a_record(tmp_path: Path) -> None:
    vendors = Vendors()
    user = vendors.world.sessions(vendors.world.call_at("agora", 3))[0].user_id
    options: dict[str, Any] = {"over": WHOLE, "users": [user], "depth": "sessions", "ledger": tmp_path / "ledger"}

    async def scenario() -> tuple[list[CallRecord], int]:
        found, _ = await read(vendors.agora(), **options)
        await read(vendors.agora(), **options)
        return found, sum(arrival.endpoint == "call/sessions" for arrival in vendors.servers[1].arrivals)

    found, asked_again = run(scenario)
    assert truth_of(vendors.world, "agora", WHOLE, depth="sessions", users=[user]) == exact(found)
    assert 0 == asked_again


def test_calls_asked_for_by_id_are_found_once(tmp_path: Path) -> None:
    vendors = Vendors(epoch=LATER)
    ids = [vendors.world.call_at("agora", index).call_id for index in (2, 9)]
    options: dict[str, Any] = {"over": WHOLE, "call_ids": ids, "depth": "sessions", "ledger": tmp_path / "ledger"}

    async def scenario() -> tuple[list[CallRecord], list[CallRecord], Report]:
        async with scan(vendors.agora(pages_of(4)), **options) as records:
            first = [await anext(records)]
        rest, report = await read(vendors.agora(pages_of(4)), **options)
        await read(vendors.agora(pages_of(4)), **options)
        return first, rest, report

    first, rest, report = run(scenario)
    assert set(ids) == {record.call.call_id for record in rest}, "one was in hand, and comes again"
    assert first[0].call.call_id in ids
    assert report.complete
    assert not vendors.servers[2].arrivals


def test_both_vendors_share_a_ledger(tmp_path: Path) -> None:
    world = Vendors(**SMALL).world
    options: dict[str, Any] = {"over": WHOLE, "depth": "sessions", "ledger": tmp_path / "ledger"}

    async def scenario() -> tuple[list[CallRecord], list[CallRecord]]:
        vendors = Vendors(world)
        first: list[CallRecord] = []
        async with scan(vendors.agora(), vendors.tencent(), **options) as records:
            async for record in records:
                if len(first) == 9:
                    break
                first.append(record)
        rest, _ = await read(vendors.agora(), vendors.tencent(), **options)
        return first, rest

    first, rest = run(scenario)
    for vendor in ("agora", "tencent"):
        mine = [record for record in (*first, *rest) if record.vendor == vendor]
        assert truth_of(world, vendor, WHOLE, depth="sessions") == exact(mine)


@pytest.mark.parametrize("why", ["another version's", "another page size's"])
def test_a_cursor_that_is_no_good_costs_a_listing_and_nothing_else(
    why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Vendors(**SMALL).world
    path = tmp_path / "ledger"
    options: dict[str, Any] = {"over": WHOLE, "depth": "calls", "ledger": path, "workers": 1}

    async def broken() -> list[CallRecord]:
        found: list[CallRecord] = []
        vendors = Vendors(world, epoch=LATER)
        async with scan(vendors.agora(pages_of(4), latency=(0.5, 1.0)), acknowledge="by hand", **options) as records:
            async for record in records:
                found.append(record)
                records.acknowledge(record)
                if len(found) == 5:
                    break
        return found

    async def resumed() -> tuple[list[CallRecord], Report]:
        vendors = Vendors(world, epoch=LATER)
        return await read(vendors.agora(pages_of(3 if "size" in why else 4)), **options)

    first = run(broken)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM stretches WHERE cursor IS NOT NULL").fetchone()[0]
    if "version" in why:
        monkeypatch.setattr("agora_tencent_analytics.paging.cursor._VERSION", 0)
    rest, report = run(resumed)
    assert truth_of(world, "agora", WHOLE, depth="calls") == exact([*first, *rest])
    assert report.complete
    assert not {record.call.call_id for record in first} & {record.call.call_id for record in rest}


def test_what_was_forgotten_or_doubtful_before_the_kill_is_told_after_it(tmp_path: Path) -> None:
    world = Vendors(**SMALL).world
    early = TimeRange(START - 20 * DAY, END)
    options: dict[str, Any] = {"over": early, "depth": "calls", "ledger": tmp_path / "ledger"}

    async def broken() -> None:
        async with scan(Vendors(world, epoch=LATER).agora(pages_of(4), latency=(0.5, 1.0)), **options) as records:
            await anext(records)

    async def resumed() -> Report:
        _, report = await read(Vendors(world, epoch=LATER).agora(pages_of(4)), **options)
        return report

    run(broken)
    for _ in range(2):
        report = run(resumed)
        assert [early.start] == [gap.start for gap in report.vendors["agora"].gaps]
        assert not report.complete
