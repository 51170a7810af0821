"""What a cursor in a log tells: no name, and nothing to try names against without knowing whose question it was."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from agora_tencent_analytics import Call, NotOffered, TimeRange
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.simulator import World
from tests.support.transports import Stage
from tests.support.virtual_time import EPOCH, run

VENDORS = ["agora", "tencent"]
NOW = int(EPOCH)
OVER = TimeRange(NOW - 6 * 3600, NOW - 600)
WORLD = World(seed=3, calls=14, start=OVER.start, end=OVER.end, experiences_per_hour=30)


async def walked(vendor: str) -> tuple[list[str], set[str]]:
    """The cursors of each question that takes names or gives some, and those names."""
    names, cursors = set[str](), []
    async with Stage(vendor, WORLD).provider() as provider:
        for call in (await provider.calls(OVER).collect())[:6]:
            names |= {call.channel, call.channel.upper()}
            sessions = await provider.sessions(call).collect()
            users = sorted({session.user_id for session in sessions})
            names |= {user for user in users if not user.isdecimal() or len(user) > 7}
            async for page in pages_of(provider, call, sessions, users):
                cursors.append(page.cursor)
    return cursors, names


async def pages_of(provider: Any, call: Call, sessions: Any, users: list[str]) -> AsyncIterator[Any]:
    asks: tuple[Callable[[], Any], ...] = (
        lambda: provider.calls(OVER, channel=call.channel, page_size=1),
        lambda: provider.sessions(call, users=users),
        lambda: provider.metrics(call, sessions),
        lambda: provider.events(call, sessions),
        lambda: provider.abnormal_experiences(OVER),
    )
    for ask in asks:
        try:
            question = ask()
        except NotOffered:
            continue
        async for page in question.pages():
            yield page


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_cursor_holds_a_name_nor_the_digest_of_one(vendor: str) -> None:
    cursors, names = run(walked, vendor)
    texts = [base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode() for cursor in cursors]
    assert len(texts) > 20
    assert len(names) > 10
    whole = "\n".join([*cursors, *texts])
    for name in names:
        assert name not in whole
        for kind in ("md5", "sha1", "sha256", "blake2b"):
            assert hashlib.new(kind, name.encode()).hexdigest()[:16] not in whole
        for size in (8, 12, 16):
            assert hashlib.blake2b(name.encode(), digest_size=size).hexdigest()[:16] not in whole


@pytest.mark.parametrize("vendor", VENDORS)
def test_names_can_be_tried_against_a_cursor_by_who_knows_app_and_account_alone(vendor: str) -> None:
    """What SECURITY.md says of cursors, and no less: the same question of another account leaves another mark."""

    async def marked(channel: str, **whose: Any) -> str:
        async with Stage(vendor, WORLD).provider(**whose) as provider:
            return Cursor.read((await anext(provider.calls(OVER, channel=channel, page_size=5).pages())).cursor).mark

    async def scenario() -> list[str]:
        return [
            await marked("the room"),
            await marked("the room"),
            await marked("a guess"),
            await marked("the room", account="another account"),
        ]

    first, again, *others = run(scenario)
    assert first == again
    assert len({first, *others}) == 1 + len(others)
