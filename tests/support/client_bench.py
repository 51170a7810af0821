"""A caller on a script of answers, with a hand on everything around it."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import (
    AgoraCredentials,
    Quota,
    QuotaState,
    Rate,
    Receipt,
    Reply,
    Response,
    Retry,
    TencentCredentials,
    Timeouts,
    TransportError,
    Vendor,
)
from agora_tencent_analytics.access import Access
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.http.client import Caller
from agora_tencent_analytics.http.hosts import Hosts
from agora_tencent_analytics.limits import DAY, SECOND, Limits
from agora_tencent_analytics.notices import Hook
from agora_tencent_analytics.quota.store import QuotaStore
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.timerange import TimeRange
from tests.support.transports import Script, json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run

__all__ = [
    "BAD_GATEWAY",
    "GOOD",
    "HOST",
    "QPD",
    "QPS",
    "ROOMS",
    "SECRET",
    "TEN",
    "TRC",
    "Bench",
    "broken",
    "limits",
]

HOST = "https://host.test"
WINDOW = TimeRange(EPOCH - 3_600, EPOCH - 600)
SECRET = "s3cr3t-that-must-not-show"
GOOD = json_response('{"code":200,"call_lists":[],"total_size":0,"has_more":false}')
BAD_GATEWAY = json_response("<html>", status=502)
QPS = json_response('{"code":300,"message":"qps limit error"}')
QPD = json_response('{"code":300,"message":"qpd limit error","requestId":"r-9"}')
TRC = '{"Response":{"Error":{"Code":"%s","Message":"m"},"RequestId":"r"}}'
ROOMS = json_response('{"Response":{"Total":0,"RoomList":[],"RequestId":"r"}}')
TEN = (Rate(10, SECOND), Rate(1_000, DAY))


def limits(*rates: Rate) -> Limits:
    return Limits(rates=rates, history_s=DAY, span_s=4 * 3_600, page_size=100)


class Bench:
    """A caller on a script, with a hand on everything around it."""

    def __init__(
        self,
        *steps: Response | Exception,
        vendor: Vendor | None = None,
        rates: Sequence[Rate] = TEN,
        clock: VirtualClock | None = None,
        jitter: float = 1.0,
        store: str | Path | QuotaStore = ":memory:",
        keys: Callable[[], Awaitable[Any]] | None = None,
        script: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.script = Script(self.clock, steps, **(script or {}))
        self.limits = limits(*rates)
        self.row: Endpoint[Any] = ROOM_INFO if isinstance(vendor, TencentVendor) else CALL_LISTS_2024
        self.quota = Quota("a", store=store, clock=self.clock.clock, cold_start=False)
        self.keys = 0
        self.caller = Caller(
            **{
                "vendor": vendor or AgoraVendor(),
                "hosts": Hosts([HOST]),
                "app_id": 1_400_000_000 if isinstance(vendor, TencentVendor) else "app",
                "credentials": keys or self._credentials,
                "quota": self.quota,
                "transport": self.script,
                "retry": Retry(),
                "timeouts": Timeouts(),
                "chance": lambda: jitter,
                **options,
            }
        )

    async def _credentials(self) -> Any:
        self.keys += 1
        if isinstance(self.caller.vendor, TencentVendor):
            return TencentCredentials(secret_id="id", secret_key=SECRET, token=f"token-{self.keys}")
        return AgoraCredentials(customer_id="id", customer_secret=SECRET)

    @contextmanager
    def on(self, *, hooks: Iterable[Hook] = (), **terms: Any) -> Iterator[Receipt]:
        """What is asked inside is asked through a view with these terms, and enters the receipt."""
        before, provider = self.caller, object.__new__(Access)
        provider._caller = before
        self.caller = provider.with_options(hooks=hooks, **terms)._caller
        try:
            yield self.caller.receipts[0]
        finally:
            self.caller = before

    def ask(self, **options: Any) -> Coroutine[Any, Any, tuple[Reply[Any], bytes]]:
        params: dict[str, Any] = options.pop("params", {})
        return self.caller.ask(self.row, self.limits, WINDOW, params, page=1, size=100, **options)

    def asks(self, **options: Any) -> tuple[Reply[Any], bytes]:
        return run(lambda: self.ask(**options))

    def fails(self, kind: type[Exception], **options: Any) -> Any:
        with pytest.raises(kind) as caught:
            self.asks(**options)
        return caught.value

    @property
    def spent(self) -> int:
        return self.state().used_today

    def state(self) -> QuotaState:
        """How the counter stands; the store in memory answers without waiting."""
        with pytest.raises(StopIteration) as done:
            self.quota.state(self.row.counter, self.limits.rates).send(None)
        state: QuotaState = done.value.value
        return state

    @property
    def pauses(self) -> list[float]:
        return [later - sooner for sooner, later in itertools.pairwise(self.script.sent_at)]


def broken() -> TransportError:
    return TransportError("no", endpoint="call/lists", phase="read", timed_out=False)
