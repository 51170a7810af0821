"""The command `forecast`: what a scan with the same options will cost, whether it fits, and what would."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta

from agora_tencent_analytics.cli.console import screen
from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.cli.providers import providers_of
from agora_tencent_analytics.cli.report_file import clear_report, write_report
from agora_tencent_analytics.cli.tables import Row, rolling_day
from agora_tencent_analytics.errors import BadInput, counted, printable
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan import Forecast, Report, RowForecast, VendorForecast, scan

_HEAD = ("vendor", "counter", "requests", "at least", "at most", "a day", "left today", "days", "time")


async def run(options: Options) -> int:
    """Finds out, writes what was asked for, shows it, and returns the exit status: 0 if everything fits, else 1."""
    if options.sessions_per_call is not None and options.calls_expected is None:
        raise BadInput("--sessions-per-call goes with --calls-expected")
    if options.calls_expected is not None and options.depth != "calls" and options.sessions_per_call is None:
        raise BadInput("--calls-expected needs --sessions-per-call as well, or --depth calls")
    if options.calls_expected is not None and options.frozen_from is not None:
        raise BadInput("--frozen-from needs the vendor's listing, and --calls-expected asks nothing")
    clear_report(options.report)
    shown, aside = screen(sys.stdout), screen(sys.stderr)
    try:
        if options.days:
            aside.line(options.days)
        async with providers_of(options) as (providers, _):
            aside.progress(Report())
            forecast = await scan.forecast(
                *providers,
                **options.scan(),
                calls=options.calls_expected,
                sessions_per_call=options.sessions_per_call,
                minutes_per_call=options.minutes_per_call,
            )
        write_report(options.report, forecast.as_dict())
        named = {provider.name: provider for provider in providers}
        shown.table("what the scan costs", _HEAD, list(_rows(forecast, named)))
        for line in _lines(forecast):
            shown.line(printable(line))
    finally:
        aside.close()
    return 0 if forecast.fits else 1


def _rows(forecast: Forecast, providers: Mapping[str, Provider]) -> Iterator[Row]:
    for name, vendor in forecast.vendors.items():
        for row in vendor.rows:
            days = "-" if row.days is None else f"{row.days.likely:.2f}"
            unlimited = rolling_day(providers[name], row.counter) or "no limit"
            a_day, left = (unlimited if figure is None else f"{figure:,}" for figure in (row.a_day, row.left_today))
            yield _row(name, row.counter, row, a_day, left, days)
        if len(vendor.rows) > 1:
            yield _row(name, "all", vendor, "", "", "")


def _row(name: str, counter: str, cost: RowForecast | VendorForecast, *days: str) -> Row:
    requests = (f"{figure:,.0f}" for figure in (cost.requests.likely, cost.requests.least, cost.requests.most))
    return (name, counter, *requests, *days, str(timedelta(seconds=round(cost.seconds.likely))))


def _lines(forecast: Forecast) -> Iterator[str]:
    for name, vendor in forecast.vendors.items():
        yield f"{name}: {vendor.over}, plan {vendor.plan}, depth {vendor.depth}: {counted(vendor.calls, 'call')}"
        spent = f"; {counted(vendor.probed, 'request')}" if vendor.probed else ""
        yield f"{name}: {vendor.basis}{spent}"
        yield from (f"{name}: {line}" for line in vendor.said)
    yield forecast.verdict
