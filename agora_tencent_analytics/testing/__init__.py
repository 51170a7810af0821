"""Tests that every provider must pass: subclass `ProviderContract` with a provider and its vendor's answers.

    class TestAcme(ProviderContract):
        over = TimeRange(1_790_000_000, 1_790_003_600)
        call_ids = frozenset({"c1", "c2", "c3"})
        secrets = ("t-1-secret",)

        def provider(self, **options):
            return AcmeProvider(token="t-1-secret", **options)

        def answer(self, request, now):
            return Response(status=200, headers={}, body=...)

A quota store of one's own subclasses `StoreContract` likewise, with a `LossyStore` that loses its data on demand.

They are plain functions that any runner finds and no plug-in is needed for; they run on a virtual clock, and one of
them over sockets on loopback.
"""

from __future__ import annotations

from agora_tencent_analytics.testing.contract import ProviderContract
from agora_tencent_analytics.testing.losses import LossyStore, StoreContract
from agora_tencent_analytics.testing.servers import on_loopback
from agora_tencent_analytics.testing.virtual_time import VirtualClock, run

__all__ = ["LossyStore", "ProviderContract", "StoreContract", "VirtualClock", "on_loopback", "run"]
