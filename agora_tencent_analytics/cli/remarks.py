"""What there is to say around a scan: what cannot be had before it begins, what was not found, and how to go on."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.errors import AnalyticsError, counted, printable
from agora_tencent_analytics.limits import DAY, HOUR
from agora_tencent_analytics.notices import Notice, PageRead
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan import Report, Since
from agora_tencent_analytics.timerange import Last, TimeRange

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


def before_a_scan(options: Options, providers: Sequence[Provider]) -> Iterator[str]:
    """How days were read, and what the vendors have forgotten already."""
    if options.days:
        yield options.days
    over: TimeRange | Last | Since = options.over
    if isinstance(over, Since):
        return
    for provider in providers:
        now = provider.now()
        try:
            questions = provider.calls(over, channel=options.channel).questions(now)
        except AnalyticsError:  # the scan says so
            continue
        kept_s = min((question.limits.history_s for question in questions), default=0)
        start = over.start if isinstance(over, TimeRange) else over.before(now).start
        if kept_s and start < now - kept_s:
            since = datetime.fromtimestamp(now - kept_s, UTC)
            kept = f"{kept_s // DAY} days" if kept_s > DAY else f"{kept_s // HOUR} hours"
            yield f"{provider.name} keeps {kept}: ask from {since:%Y-%m-%d %H:%M} UTC on; earlier calls are forgotten"


class Listed:
    """Counts the calls that were looked through, to say so where none of them is the one that was asked for.

    Args:
        options: what was asked for.
        providers: who was asked.
    """

    def __init__(self, options: Options, providers: Sequence[Provider]) -> None:
        self._options = options
        self._calls: Counter[str] = Counter()
        self._rows: set[tuple[str, str]] = set()
        for provider in providers if options.user or options.channel else ():
            over = options.over.first if isinstance(options.over, Since) else options.over
            questions = provider.calls(over, channel=options.channel).questions(provider.now())
            self._rows |= {(provider.name, question.row.name) for question in questions}

    def take(self, notice: Notice) -> None:
        """Takes in what happens in a scan."""
        if isinstance(notice, PageRead) and (notice.vendor, notice.endpoint) in self._rows:
            self._calls[notice.vendor] += notice.fresh

    def nobody(self, report: Report) -> Iterator[str]:
        """A line for each vendor that has no call of the channel or the users."""
        options = self._options
        for name, vendor in report.vendors.items():
            if vendor.calls or vendor.already or vendor.stopped or options.frozen_from or options.call:
                continue
            within = f" in {vendor.over}" if vendor.over else ""
            count = self._calls[name]
            if options.user and count:
                yield printable(
                    f"{name}: no call of user {' or '.join(options.user)} among {counted(count, 'call')}{within}"
                )
            elif options.channel:
                yield printable(f"{name}: no call in channel {options.channel}{within}")
            elif options.user:
                yield f"{name}: no call at all{within}"


def way_on(options: Options, whole: int) -> str:
    """What was read by a scan that ended early, and how to go on."""
    read = f"{counted(whole, 'call was', 'calls were')} read"
    if options.ledger:
        return f"{read}, and nothing is lost; to go on: {options.again()}"
    return f"{read}; with --ledger FILE the same command would go on from here, and without it, it begins again"


def disk_full(options: Options, error: OSError, written: int) -> str:
    """What became of the file that could not be written to its end, and how to go on."""
    why = _FULL.get(error.errno or 0) or f"no more can be written ({error.strerror})"
    then = "again" if options.ledger or options.force or options.out == "-" else "again with --force"
    return f"{why}: {options.out} has {counted(written, 'call')}; free some space and run it {then}"
