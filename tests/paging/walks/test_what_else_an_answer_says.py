"""What an answer has beside its records reaches whoever asked: unknown fields with the page, a warning as a notice."""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import replace

from agora_tencent_analytics import Page
from agora_tencent_analytics.notices import GoingAway, Notice
from tests.support.simulated_scans import WHOLE, Vendors
from tests.support.virtual_time import run


class Adding:
    """A transport that adds fields to every answer."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def send(self, request: Any, **options: Any) -> Any:
        response = await self._inner.send(request, **options)
        body = json.loads(response.body)
        body["Response"] |= {"DeprecatedWarning": "offline in May", "Hint": [1]}
        return replace(response, body=json.dumps(body).encode())

    async def aclose(self) -> None:
        await self._inner.aclose()


def test_a_warning_is_told_once_for_each_listing_and_stands_on_every_page() -> None:
    vendors = Vendors()
    heard: list[Notice] = []

    async def scenario() -> list[Page[Any]]:
        provider = vendors.tencent()
        provider._caller.transport = Adding(provider._caller.transport)
        view = provider.with_options(hooks=[heard.append])
        return [page async for page in view.calls(WHOLE, page_size=5).pages()]

    pages = run(scenario)
    assert len(pages) > 2
    assert all({"DeprecatedWarning": "offline in May", "Hint": [1]} == page.extra for page in pages)
    (told,) = [notice for notice in heard if isinstance(notice, GoingAway)]
    assert ("tencent", "DescribeRoomInfo", "offline in May") == (told.vendor, told.endpoint, told.message)
