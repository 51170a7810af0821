"""What a scan was asked for, checked; and which of the calls named are still to be found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import attrs

from agora_tencent_analytics.context import Priority
from agora_tencent_analytics.models.calls import Call
from agora_tencent_analytics.notices import Hook
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.receipt import Budget

Depth = Literal["calls", "sessions", "metrics"]
OnError = Literal["stop", "raise", "report"]


@attrs.frozen(kw_only=True)
class Wanted:
    """What a scan was asked for, beside the range."""

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


class Sought:
    """Calls asked for by id: whose they are is not known, so one is missing only if no provider lists it.

    Args:
        call_ids: the ids, or None if every call is wanted.
        lanes: how many providers are asked.
    """

    def __init__(self, call_ids: frozenset[str] | None, lanes: int) -> None:
        self._missing = set(call_ids or ())
        self._lanes = lanes
        self._all_listed = True

    def found(self, call_id: str) -> None:
        """A provider lists it."""
        self._missing.discard(call_id)

    def listed(self, *, everything: bool) -> list[str]:
        """A provider has listed what it can; the ids that nobody lists, once all of them have listed everything."""
        self._lanes -= 1
        self._all_listed = self._all_listed and everything
        return sorted(self._missing) if self._lanes == 0 and self._all_listed else []
