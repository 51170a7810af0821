"""The command `scan`: the main job, against the vendors or against the embedded simulator."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agora_tencent_analytics.cli import COMPLETE, INCOMPLETE, REFUSED, REFUSING
from agora_tencent_analytics.cli.console import lead_nowhere, screen
from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.cli.out_file import out_file
from agora_tencent_analytics.cli.out_stream import out_stream
from agora_tencent_analytics.cli.providers import providers_of
from agora_tencent_analytics.cli.remarks import Listed, before_a_scan, disk_full, way_on
from agora_tencent_analytics.cli.report_file import clear_report, write_report
from agora_tencent_analytics.cli.tables import SPENT, WORST, results, rolling_day, vendor_rows, warnings, worst_rows
from agora_tencent_analytics.errors import BadInput, printable
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan import Records, Report, scan
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.scan.worst_calls import Worst
from agora_tencent_analytics.timerange import TimeRange

if TYPE_CHECKING:
    from agora_tencent_analytics.cli.console import Screen
    from agora_tencent_analytics.simulator import World

_TRUTH = ("calls", "sessions", "series", "points")
_OF_ROWS = ("lost", "doubted")
"""What an impolite world has besides: rows that cannot be read, and rows that need not be."""
_WORST = 10
_FEW, _MANY = 10, 10_000


async def run(options: Options) -> int:
    """Scans, writes what was asked for, shows what was found, and returns the exit status."""
    async with AsyncExitStack() as stack:
        stack.enter_context(_ended_like_interrupted())
        providers, world = await stack.enter_async_context(providers_of(options))
        _check_files(options)
        stream = out_stream(options.out, ledger=bool(options.ledger))
        shown = screen(sys.stderr if stream is not None and stream.standard else sys.stdout)
        aside = screen(sys.stderr)
        stack.callback(aside.close)
        for line in before_a_scan(options, providers):
            aside.line(line)
        clear_report(options.report)
        ledger = stack.enter_context(Ledger(options.ledger)) if options.ledger else None
        listed = Listed(options, providers)
        records = scan(
            *providers,
            **options.scan(),
            call_ids=options.call,
            on_error="report",
            ledger=ledger,
            acknowledge="by hand",
            hooks=[listed.take] if options.user or options.channel else [],
        )
        worst, report, written = Worst(_WORST), records.report, 0
        failed: set[str] = set()
        full: OSError | None = None
        try:
            async with records:
                with nullcontext(stream) if stream else out_file(options.out, ledger, force=options.force) as out:
                    if out.elsewhere:
                        aside.line(printable(out.elsewhere))
                    aside.progress(report)
                    async for record in records:
                        try:
                            bookmark = await out.write(record)
                        except BrokenPipeError:
                            raise
                        except OSError as error:
                            full = error
                            break
                        written += record.last
                        if record.failures:
                            failed.add(record.call.call_id)
                        records.acknowledge(record, bookmark=bookmark)
                        worst.take(record)
                        aside.progress(report)
        except asyncio.CancelledError:
            aside.close()
            _show(shown, aside, options, report, worst, {})
            aside.line(way_on(options, written - len(failed)))
            raise
        finally:  # what an interrupted scan has done is reported too
            write_report(options.report, _told(records, world, options))
            aside.close()
        _show(shown, aside, options, report, worst, await _quota_left(providers))
        for line in listed.nobody(report):
            aside.line(line)
        if full is not None:
            aside.line(disk_full(options, full, written))
        elif report.stopped and _status(report) != REFUSED:
            aside.line(way_on(options, written - len(failed)))
    return _status(report)


def _show(shown: Screen, aside: Screen, options: Options, report: Report, worst: Worst, left: dict[str, str]) -> None:
    """Prints the tables and the verdict, with what speaks against completeness."""
    for line in warnings(report, most=_MANY if options.verbose else _FEW):
        aside.line(line)
    try:
        if options.depth == "metrics" and worst.listed():
            shown.table(WORST, *worst_rows(worst.listed()))
        shown.table(SPENT, *vendor_rows(report))
        for line in results(report, left):
            shown.line(line)
    except BrokenPipeError:  # whoever read the tables has gone; the files are written, and the status tells the rest
        lead_nowhere(sys.stdout)


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """A service manager's SIGTERM, and SIGHUP, end a scan as Ctrl-C does: with its report, and status 130.

    Also where Ctrl-C is ignored, as in a script's job in the background; so it cannot be left to the handler of SIGINT.
    A SIGHUP that is ignored, as under nohup, stays so.
    """
    task = asyncio.current_task()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    caught = [signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        caught.append(signal.SIGHUP)

    def end(*_: object) -> None:  # at once: SQLite may be computing, and asks whether the task is cancelled
        task.cancel()
        loop.call_soon_threadsafe(lambda: None)

    before = {name: signal.signal(name, end) for name in caught}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _check_files(options: Options) -> None:
    files = [Path(path).resolve() for path in (options.out, options.report, options.ledger) if path and path != "-"]
    if len(set(files)) < len(files):
        raise BadInput("--out, --report and --ledger need a file each")


def _status(report: Report) -> int:
    if report.complete:
        return COMPLETE
    return REFUSED if any(isinstance(failure.error, REFUSING) for failure in report.failures) else INCOMPLETE


async def _quota_left(providers: list[Provider]) -> dict[str, str]:
    """What is left of the day, by counter that was used today, in words."""
    left = {}
    for provider in providers:
        try:
            counted = [state for state in await provider.quota() if state.left_today is not None]
        except Exception as error:  # it must not hide how the scan ended
            left[provider.name] = f"quota unknown: {error}"
            continue
        used = [f"{state.counter} {state.left_today}" for state in counted if state.used_today]
        unused = "all of them" if counted else rolling_day(provider) or "no daily limit"
        left[provider.name] = ", ".join(used) or unused
    return left


def _told(records: Records, world: World | None, options: Options) -> dict[str, Any]:
    """The report; with the truth, if a world tells it, which knows nothing of `--frozen-from`."""
    said = records.report.as_dict()
    if world is not None and options.frozen_from is None:
        truths = {name: _truth(world, name, over, options) for name, over in records.ranges.items()}
        for name, truth in truths.items():
            said["vendors"][name]["truth"] = truth
        said["truth"] = {key: sum(truth[key] for truth in truths.values()) for key in _truth_keys(world)}
    return said


def _truth_keys(world: World) -> tuple[str, ...]:
    return (*_TRUTH, *_OF_ROWS) if world.impolite else _TRUTH


def _truth(world: World, vendor: Any, over: TimeRange, options: Options) -> dict[str, int]:
    """What the simulated world holds of what was asked for, counted call by call."""
    total = dict.fromkeys(_truth_keys(world), 0)
    calls = options.call or [call.call_id for call in world.calls(vendor)]
    for call_id in dict.fromkeys(calls):
        facts = [
            world.truth(vendor, over.start, over.end, channel=options.channel, call_id=call_id, user_id=user)
            for user in dict.fromkeys(options.user or [None])
        ]
        total["calls"] += any(fact.calls for fact in facts)
        for key in list(total)[1:]:
            total[key] += sum(getattr(fact, key) for fact in facts)
    return total
