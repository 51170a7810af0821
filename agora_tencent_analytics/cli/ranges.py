"""The range that a command line names: the last hours, a day in a time zone, or from one moment to another."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.errors import BadInput

if TYPE_CHECKING:
    from agora_tencent_analytics.scan.options import Since
    from agora_tencent_analytics.timerange import Last, TimeRange


def range_of(options: Options) -> TimeRange | Last | Since:
    """The range that is asked for; `options.days` says how days were read, if any were named.

    Raises:
        BadInput: none is named, or one that holds nothing.
    """
    over = _over(options)
    if options.command != "scan":
        return over
    return _since(options, over)


def _over(options: Options) -> TimeRange | Last:
    from agora_tencent_analytics.timerange import Last, TimeRange

    options.days = ""
    fixed = (options.start, options.end)
    if options.last is not None and fixed != (None, None):
        raise BadInput("give either --last or --start and --end, not both")
    if options.last is None and fixed == (None, None):
        if options.simulate:
            return _simulated(None)
        raise BadInput("give the range: --last 6h, --last yesterday, or --start T --end T")
    if isinstance(options.last, float):
        last = Last(seconds=options.last)
        return _simulated(last) if options.simulate and not options.since_last_run else last
    if options.last is not None:
        day = _day(options.last, options.tz)
        over = TimeRange(_midnight(day, options.tz), _midnight(day + timedelta(days=1), options.tz))
        options.days = f"{options.last}: {_named(over, options.tz)}"
    elif None in fixed:
        raise BadInput("--start and --end go together")
    else:
        over = TimeRange(_moment(options.start, options.tz), _moment(options.end, options.tz))
        if any(type(moment) is date for moment in fixed):
            options.days = f"dates: {_named(over, options.tz)}"
    if over.start >= time.time():
        raise BadInput(f"the range {over} lies in the future: nothing to read")
    return over


def _simulated(last: Last | None) -> TimeRange:
    """The last hours of the simulated world, or all of it: it ended hours ago."""
    from agora_tencent_analytics.cli.simulated_world import demo_range

    over = demo_range()
    return over if last is None else last.before(over.end)


def _day(last: str | date, zone: tzinfo | None) -> date:
    if isinstance(last, date):
        return last
    today = datetime.now(zone).date()
    return today - timedelta(days=1) if last == "yesterday" else today


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    """When the day begins; None is the zone of this machine."""
    begins = datetime(day.year, day.month, day.day, tzinfo=zone)
    return begins if zone else begins.astimezone()


def _moment(moment: datetime | date | float, zone: tzinfo | None) -> datetime | float:
    if isinstance(moment, datetime):
        if moment.tzinfo is None and zone is None:
            text = moment.isoformat(timespec="minutes")
            raise BadInput(f"{text} has no time zone; add one: {text}Z or {text}+01:00, or --tz Europe/Berlin")
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return _midnight(moment, zone) if isinstance(moment, date) else moment


def _named(over: TimeRange, zone: tzinfo | None) -> str:
    """The range in the zone it was meant in, and in UTC."""
    here = datetime.fromtimestamp(over.start, zone).astimezone(zone)
    there = datetime.fromtimestamp(over.end, zone).astimezone(zone)
    which = f"{zone}" if zone else f"{here:%Z}, the time zone of this machine (--tz names another)"
    return f"{here:%Y-%m-%d %H:%M} to {there:%Y-%m-%d %H:%M} {which}; UTC {over}"


def _since(options: Options, over: TimeRange | Last) -> TimeRange | Last | Since:
    from agora_tencent_analytics.scan.options import Since
    from agora_tencent_analytics.timerange import Last

    if not options.since_last_run:
        if options.look_back is not None:
            raise BadInput("--look-back goes with --since-last-run")
        return over
    if options.ledger is None or not isinstance(over, Last) or options.call:
        raise BadInput("--since-last-run needs --ledger and --last 6h (a length, not a day), and takes no --call")
    look_back = {} if options.look_back is None else {"look_back_s": int(options.look_back)}
    return Since(first=over, **look_back)
