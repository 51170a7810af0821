"""Hooks: which are taken, and what one that fails does."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from agora_tencent_analytics import BadInput
from agora_tencent_analytics.context import check_hooks, tell
from agora_tencent_analytics.notices import Drift, Notice
from agora_tencent_analytics.timerange import TimeRange

NOTICE = Drift(vendor="v", endpoint="e", over=TimeRange(1, 2), reason="a total that moved")


async def an_async_hook(notice: Notice) -> None: ...


@pytest.mark.parametrize(
    ("hooks", "said"),
    [(print, "list of functions"), (["print"], "hooks must be plain functions"), ([an_async_hook], "async")],
)
def test_wrong_hooks_are_refused(hooks: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_hooks(hooks)


def test_a_hook_that_fails_is_logged_and_keeps_nobody_else_from_hearing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Notice] = []

    def broken(notice: Notice) -> None:
        raise LookupError("my dashboard is down")

    with caplog.at_level(logging.ERROR, "agora_tencent_analytics"):
        tell([broken, heard.append], NOTICE)
    assert [NOTICE] == heard
    assert ["a hook failed on Drift"] == [record.getMessage() for record in caplog.records]
    assert "my dashboard is down" in caplog.text
    assert ("hook_failed", "v", "e") == tuple(
        getattr(caplog.records[0], f"analytics_{key}") for key in ("event", "vendor", "endpoint")
    )
