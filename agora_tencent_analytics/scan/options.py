"""What a scan may be asked for: how deep, since when, and which calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from agora_tencent_analytics.context import Priority
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.notices import Hook
from agora_tencent_analytics.paging.question import Over
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.receipt import Budget
from agora_tencent_analytics.timerange import Last

Depth = Literal["calls", "sessions", "metrics"]
OnError = Literal["stop", "raise", "report"]


class ScanOptions(msgspec.Struct, kw_only=True, frozen=True):
    """What a scan was asked for, besides the range."""

    depth: Depth
    channel: str | None
    call_ids: frozenset[str] | None
    users: tuple[str, ...] | None
    workers: int
    on_error: OnError
    waiting: bool
    priority: Priority | None = None
    budget: Budget | None = None
    hooks: tuple[Hook, ...] = ()
    only: Callable[[Call], bool] | None = None
    calls: tuple[Call, ...] | None = None
    """Calls that were listed already; None: they are to be listed."""

    def chosen(self, calls: Sequence[Call]) -> list[Call]:
        """Those of the calls listed that are wanted."""
        return [call for call in calls if self.only is None or self.only(call)]

    def listed(self, provider: Provider) -> list[Call]:
        """Those of the calls listed already that are a provider's, and wanted."""
        return self.chosen([call for call in self.calls or () if call.vendor == provider.name])

    @property
    def facts(self) -> dict[str, str]:
        """What a ledger must agree on, in words that may be shown, each with its text."""
        return {
            "depth": self.depth,
            "channel": repr(self.channel),
            "calls": repr(sorted(self.call_ids) if self.call_ids else None),
            "users": repr(sorted(self.users) if self.users else None),
            "only": repr(self.only),
        }


class RequestedIds:
    """Calls asked for by id: whose they are is not known, so one is missing only if no provider lists it.

    Args:
        call_ids: the ids, or None if every call is wanted.
        lanes: how many providers are asked.
    """

    def __init__(self, call_ids: frozenset[str] | None, lanes: int) -> None:
        self._missing = set(call_ids or ())
        self._lanes = lanes
        self._all_listed = True

    def found(self, call_ids: Iterable[str]) -> None:
        """A provider lists them."""
        self._missing.difference_update(call_ids)

    def listed(self, *, everything: bool) -> list[str]:
        """A provider has listed what it can; the ids that nobody lists, once all of them have listed everything."""
        self._lanes -= 1
        self._all_listed = self._all_listed and everything
        return sorted(self._missing) if self._lanes == 0 and self._all_listed else []


def freeze_ratio(call: Call) -> float | None:
    """The worse of the call's freeze ratios on the listing, 0 to 1; None where the vendor's listing has none."""
    known = [ratio for ratio in (call.audio_freeze_ratio, call.video_freeze_ratio) if ratio is not None]
    return max(known, default=None)


class FreezeFrom(msgspec.Struct, frozen=True):
    """True for calls whose audio or video was frozen for at least this share of the time.

    Agora's listing says so since 2023; calls of a listing without such figures are left out.

    Args:
        ratio: from 0 to 1.
    """

    ratio: float

    def __call__(self, call: Call) -> bool:
        """True if the call froze that much."""
        froze = freeze_ratio(call)
        return froze is not None and froze >= self.ratio

    def __str__(self) -> str:
        return f"frozen for at least {self.ratio:.2%} of the time"


LOOK_BACK_S = 3_600


class Since(msgspec.Struct, kw_only=True, frozen=True):
    """What is new since the last scan on the same ledger: the range of a daily job.

    Each scan lists from a little before the end of the one before it until the vendor's now, reads what was not
    acknowledged yet, and reads again the calls that were still running. What the vendor has forgotten between two
    scans is reported as a gap.

    Raises:
        BadInput: `first` is not a `Last`, or the look-back is negative.
    """

    first: Last
    """What the first scan on the ledger reads."""
    look_back_s: int = LOOK_BACK_S
    """Seconds before the end of the last scan that are listed once more, for calls that the vendor stored late."""

    def __post_init__(self) -> None:
        if not isinstance(self.first, Last):
            raise BadInput(f"Since(first=...) takes Last(hours=...), not {type(self.first).__name__}")
        if isinstance(self.look_back_s, bool) or not isinstance(self.look_back_s, int) or self.look_back_s < 0:
            raise BadInput(f"look_back_s must be a whole number of seconds from 0, not {self.look_back_s!r}")


def first_of(over: Over | Since | None) -> Over | None:
    """The range that a first scan reads."""
    return over.first if isinstance(over, Since) else over
