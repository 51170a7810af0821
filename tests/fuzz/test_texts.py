"""Texts that come from outside and are read: cursors, `Date` and `Retry-After`."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agora_tencent_analytics import BadInput, Endpoint, RateLimited, Response, TimeRange
from agora_tencent_analytics.agora.endpoints import CALL_LISTS_2024, GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.quota.clock import VendorClock
from agora_tencent_analytics.tencent.endpoints import ROOM_INFO
from tests.fuzz.mutation import mutated
from tests.support.transports import Stage
from tests.support.virtual_time import run
from tests.test_every_question import WORLD

EXAMPLES = 2 * settings().max_examples
WALKS: Mapping[str, Endpoint[Any]] = {"agora": GENERATION_ENDPOINTS["2021-03"]["live/diagnosis"], "tencent": ROOM_INFO}


@cache
def shape(vendor: str) -> bytes:
    """What is inside the cursor of a walk's first page: of one by numbers, and of one without pages."""
    options: dict[str, Any] = {"api": "2021-03"} if vendor == "agora" else {}
    stage = Stage(vendor, WORLD, **options)
    size: dict[str, Any] = {} if vendor == "agora" else {"page_size": 2}

    async def first() -> str:
        over = TimeRange(WORLD.end - 2400, WORLD.end)
        async with stage.provider(**options) as provider:
            async for page in provider.ask(WALKS[vendor], over, **size).pages():
                return str(page.cursor)
        raise AssertionError("no page")

    return _opened(run(first))


def _opened(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_cursor(text: str) -> None:
    """It is bad input, or a cursor that says the same again."""
    try:
        cursor = Cursor.read(text)
    except BadInput:
        return
    assert cursor == Cursor.read(cursor.text())


@pytest.mark.parametrize("vendor", WALKS)
def test_the_cursors_to_begin_with_are_good(vendor: str) -> None:
    Cursor.read(base64.urlsafe_b64encode(shape(vendor)).decode())


@pytest.mark.parametrize("vendor", WALKS)
@settings(max_examples=3 * EXAMPLES)
@given(data=st.binary(max_size=24))
def test_a_cursor_gone_bad_is_bad_input(vendor: str, data: bytes) -> None:
    check_cursor(base64.urlsafe_b64encode(mutated(shape(vendor), data)).decode().rstrip("="))


@settings(max_examples=EXAMPLES)
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_a_text_that_never_was_a_cursor_is_bad_input(text: str) -> None:
    check_cursor(text)


DAYS = st.sampled_from(["Wed", "Sun", "Wedn", "", "\x00"])
NUMBERS = st.integers(-(10**4), 10**20).map(str) | st.sampled_from(["21", "07", "99999", "٣", "0x1", "1e9", ""])
ZONES = st.sampled_from(["GMT", "UTC", "-0000", "+9999", "+99999999999", "EST", "", "(", "Z"])
DATES = st.text(max_size=60) | st.builds(
    "{}, {} {} {} {}:{}:{} {}".format, DAYS, NUMBERS, st.sampled_from(["Oct", "10", ""]), *[NUMBERS] * 4, ZONES
)


@settings(max_examples=EXAMPLES)
@given(DATES)
def test_no_date_header_breaks_or_bends_the_clock_beyond_numbers(date: str) -> None:
    clock = VendorClock()
    clock.learn({"date": date}, 1_000.0, 1_001.0)
    clock.learn({"date": date}, 1_000.5, 1_001.5)
    assert math.isfinite(clock.offset)
    assert clock.uncertainty_s >= 0


@settings(max_examples=EXAMPLES)
@given(value=DATES | NUMBERS, date=DATES)
def test_no_retry_after_is_anything_but_seconds_or_unknown(value: str, date: str) -> None:
    headers = {"retry-after": value, "date": date}
    with pytest.raises(RateLimited) as caught:
        AgoraVendor().unwrap(CALL_LISTS_2024, Response(status=429, headers=headers, body=b""))
    held = caught.value.retry_after_s
    assert held is None or 0 <= held < math.inf
