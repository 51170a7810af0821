"""The command `quota`: how the counters of the vendors stand, as this machine has counted them.

Sends nothing, except with `--check`, which sends the cheapest request that proves credentials, plan and address.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from agora_tencent_analytics.cli.console import screen
from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.cli.providers import providers_of
from agora_tencent_analytics.cli.tables import rolling_day
from agora_tencent_analytics.errors import printable
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.quota.quota import QuotaState

_HEAD = ("vendor", "counter", "used today", "left today", "resets (UTC)", "next free in s")


async def run(options: Options) -> int:
    """Shows a line for each counter, and returns the exit status."""
    shown = screen(sys.stdout)
    async with providers_of(options) as (providers, _):
        for provider in providers if options.check else ():
            cost = await provider.check()
            name = printable(provider.name)
            shown.line(f"{name}: credentials, plan and address are good (requests sent: {cost.requests})")
        rows = [_row(provider, state) for provider in providers for state in await provider.quota()]
    shown.table("quota", _HEAD, rows)
    return 0


def _row(provider: Provider, state: QuotaState) -> tuple[str, ...]:
    counted = state.left_today is not None
    return (
        printable(provider.name),
        printable(state.counter),
        f"{state.used_today:,}" if counted else "-",
        f"{state.left_today:,}" if counted else rolling_day(provider, state.counter) or "no limit",
        datetime.fromtimestamp(state.resets_at, UTC).strftime("%m-%d %H:%M") if counted else "-",
        f"{state.next_free_s:.1f}",
    )
