"""No sentence says "1 calls": a count that may be one is put into words by `errors.counted`."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2] / "agora_tencent_analytics"
SEVERAL = re.compile(r"\{[^{}]*\} (?:calls|failures|points|requests|retries|sessions|windows)(?![\w=])")
# A number that is never one, a count of something else ("1 of 3 requests"), and a verb.
ALLOWED = {"{MOST_REQUESTS} requests", "{len(server.sent)} requests", "{whence} calls"}


def said_of_several(text: str) -> list[str]:
    return [found for found in SEVERAL.findall(text) if found not in ALLOWED]


def test_a_count_that_may_be_one_is_not_told_as_several() -> None:
    assert [] == [found for path in ROOT.rglob("*.py") for found in said_of_several(path.read_text("utf-8"))]


def test_a_count_that_is_told_as_several_would_be_found() -> None:
    assert ["{vendor.calls:,} calls"] == said_of_several('f"{name}: {vendor.calls:,} calls; {MOST_REQUESTS} requests"')
