"""The command `scan`: the main job, against the vendors or against the embedded simulator."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from io import BufferedWriter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from agora_tencent_analytics.agora.provider import AgoraProvider
from agora_tencent_analytics.cli.arguments import Options
from agora_tencent_analytics.cli.console import SPENT, WORST, console, remarks, vendor_rows, worst_rows
from agora_tencent_analytics.cli.output import write_record
from agora_tencent_analytics.cli.worst import Worst
from agora_tencent_analytics.errors import BadInput, NotAuthenticated, NotOffered, NotPermitted
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan import Records, Report, scan
from agora_tencent_analytics.tencent.provider import TencentProvider
from agora_tencent_analytics.timerange import TimeRange

if TYPE_CHECKING:
    from agora_tencent_analytics.simulator import World

__all__ = ["run"]

_CREDENTIALS = {
    "agora": ("AGORA_APP_ID", "AGORA_CUSTOMER_ID", "AGORA_CUSTOMER_SECRET"),
    "tencent": ("TRTC_SDK_APP_ID", "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"),
}
_PROVIDERS: Mapping[str, type[AgoraProvider] | type[TencentProvider]] = {
    "agora": AgoraProvider,
    "tencent": TencentProvider,
}
_TRUTH = ("calls", "sessions", "series", "points")
_WORST = 10
_FEW, _MANY = 10, 10_000


async def run(options: Options) -> int:
    """Scans, writes what was asked for, shows what was found, and returns the exit status."""
    vendors = _vendors(options)
    plans = _plans(options, vendors)
    async with AsyncExitStack() as stack:
        stack.enter_context(_terminated_like_interrupted())
        made = _simulated(options, vendors, plans) if options.simulate else _real(vendors, plans)
        providers, world = await stack.enter_async_context(made)
        out = stack.enter_context(_out(options))
        records = scan(
            *providers,
            over=options.over,
            depth=options.depth,
            channel=options.channel,
            call_ids=options.call,
            users=options.user,
        )
        screen, worst = console(), Worst(_WORST)
        stack.callback(screen.close)
        report = records.report
        try:
            async with records:
                async for record in records:
                    if out is not None:
                        write_record(out, record)
                        out.flush()
                    worst.take(record)
                    screen.progress(report)
        finally:  # what an interrupted scan has done is reported too
            screen.close()
            if options.report:
                _write(options.report, _as_json(records, world, options))
        if options.depth == "metrics" and worst.listed():
            screen.table(WORST, *worst_rows(worst.listed()))
        screen.table(SPENT, *vendor_rows(report))
        for line in remarks(report, _quota_left(providers), most=_MANY if options.verbose else _FEW):
            screen.line(line)
    return _status(report)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """A service manager's SIGTERM ends a scan as Ctrl-C does: with its report, and status 130."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _out(options: Options) -> AbstractContextManager[BufferedWriter | None]:
    """The file for records; a path that cannot be written is told before anything is asked."""
    if options.out and options.report and Path(options.out).resolve() == Path(options.report).resolve():
        raise BadInput("--out and --report need a file each")
    try:
        if options.report:
            _write(options.report, b"")  # no report of an earlier scan may be taken for this one's
        return Path(options.out).open("wb") if options.out else nullcontext()
    except OSError as error:
        raise BadInput(f"cannot write {error.filename}: {error.strerror}") from None


def _write(path: str, text: bytes) -> None:
    Path(path).write_bytes(text)


def _status(report: Report) -> int:
    if report.complete:
        return 0
    refused = (NotAuthenticated, NotPermitted, NotOffered)
    return 3 if any(isinstance(failure.error, refused) for failure in report.failures) else 1


def _vendors(options: Options) -> list[str]:
    if options.vendor == "both" or (options.vendor is None and options.simulate):
        return list(_PROVIDERS)
    if options.vendor is not None:
        return [options.vendor]
    found = [vendor for vendor, names in _CREDENTIALS.items() if all(os.environ.get(name) for name in names)]
    if not found:
        wanted = "; ".join(f"{vendor}: {' '.join(names)}" for vendor, names in _CREDENTIALS.items())
        raise BadInput(f"no credentials in the environment; set those of a vendor ({wanted}), or use --simulate")
    return found


def _plans(options: Options, vendors: list[str]) -> dict[str, str]:
    """The plans given, by vendor."""
    plans = {}
    for text in options.plan:
        vendor, named, plan = text.partition("=")
        if not named:
            if len(vendors) > 1:
                raise BadInput(f"--plan {text} does not say whose; write --plan agora=P --plan tencent=P")
            vendor, plan = vendors[0], text
        if vendor not in vendors or not plan or vendor in plans:
            raise BadInput(f"--plan {text}: one plan for each of {', '.join(vendors)}")
        plans[vendor] = plan
    return plans


@asynccontextmanager
async def _real(vendors: list[str], plans: dict[str, str]) -> AsyncIterator[tuple[list[Provider], Any]]:
    async with AsyncExitStack() as stack:
        providers: list[Provider] = []
        for vendor in vendors:
            options: dict[str, Any] = {"plan": plans[vendor]} if vendor in plans else {}
            providers.append(await stack.enter_async_context(_PROVIDERS[vendor].from_env(**options)))
        yield providers, None


@asynccontextmanager
async def _simulated(
    options: Options, vendors: list[str], plans: dict[str, str]
) -> AsyncIterator[tuple[list[Provider], Any]]:
    """The embedded simulator on loopback, and providers for it with their quota in memory."""
    from agora_tencent_analytics.cli.simulate import HIGHEST, world
    from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent

    servers = {"agora": SimulatedAgora, "tencent": SimulatedTencent}
    made = world(seed=options.seed, calls=options.calls)
    async with AsyncExitStack() as stack:
        providers: list[Provider] = []
        for vendor in vendors:
            plan = plans.get(vendor, HIGHEST[vendor])
            server = await stack.enter_async_context(servers[vendor](made, plan=plan))
            keywords: dict[str, Any] = {**server.credentials, "plan": plan, "base_url": server.base_url}
            if vendor == "tencent":
                keywords["region"] = "ap-singapore"
            provider = _PROVIDERS[vendor](**keywords, store=":memory:")
            providers.append(await stack.enter_async_context(provider))
        yield providers, made


def _quota_left(providers: list[Provider]) -> dict[str, str]:
    """What is left of the day, by counter, in words."""
    left = {}
    for provider in providers:
        offered = [row for row in provider.endpoints if row.limits in provider.plan.rows]
        states = [provider.quota_state(row) for row in offered]
        counted = {state.counter: state.left_today for state in states if state.left_today is not None}
        left[provider.name] = ", ".join(f"{counter} {rest}" for counter, rest in counted.items()) or "no daily limit"
    return left


def _as_json(records: Records, world: World | None, options: Options) -> bytes:
    said = records.report.as_dict()
    if world is not None:
        truths = {name: _truth(world, name, over, options) for name, over in records.ranges.items()}
        for name, truth in truths.items():
            said["vendors"][name]["truth"] = truth
        said["truth"] = {key: sum(truth[key] for truth in truths.values()) for key in _TRUTH}
    return msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"


def _truth(world: World, vendor: Any, over: TimeRange, options: Options) -> dict[str, int]:
    """What the simulated world holds of what was asked for, counted call by call."""
    total: dict[str, int] = dict.fromkeys(_TRUTH, 0)
    calls = options.call or [call.call_id for call in world.calls(vendor)]
    for call_id in dict.fromkeys(calls):
        facts = [
            world.truth(
                vendor,
                over.start,
                over.end,
                channel=options.channel,
                call_id=call_id,
                user_id=user,
                server_users=True,
            )
            for user in dict.fromkeys(options.user or [None])
        ]
        total["calls"] += any(fact.calls for fact in facts)
        for key in _TRUTH[1:]:
            total[key] += sum(getattr(fact, key) for fact in facts)
    return total
