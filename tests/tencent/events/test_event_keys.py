"""What makes two events of Tencent the same one, in whichever answers they come."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agora_tencent_analytics import Response, TimeRange
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.tencent.endpoints import DETAIL_EVENT_2021, USER_EVENT
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.wire import Asked

VENDOR = TencentVendor("ap-guangzhou")
OVER = TimeRange(1588055615, 1588058615)
EVENT = {"Type": 2, "Time": 1588055615801, "EventId": 4003, "ParamOne": 1280, "ParamTwo": 720}


def ids(row: Endpoint[Any], *events: dict[str, int], peer: str = "bob", user: str = "ann") -> set[str]:
    data = [{"PeerId": peer, "Content": list(events)}]
    body = json.dumps({"Response": {"RequestId": "r-1", "Data": data}}).encode()
    asked = Asked(window=OVER, params={"CommId": "c", "UserId": user, "RoomId": "7"})
    return {
        str(one)
        for one in VENDOR.decode(row, VENDOR.unwrap(row, Response(status=200, headers={}, body=body)), asked).ids
    }


@pytest.mark.parametrize("row", [USER_EVENT, DETAIL_EVENT_2021], ids=lambda row: row.name)
@pytest.mark.parametrize("differs", EVENT)
def test_events_that_differ_in_anything_are_two_though_they_come_in_two_answers(
    row: Endpoint[Any], differs: str
) -> None:
    assert ids(row, EVENT).isdisjoint(ids(row, {**EVENT, differs: EVENT[differs] + 1}))


@pytest.mark.parametrize("row", [USER_EVENT, DETAIL_EVENT_2021], ids=lambda row: row.name)
def test_events_of_other_users_and_senders_are_others(row: Endpoint[Any]) -> None:
    known = ids(row, EVENT)
    assert known == ids(row, EVENT)
    assert known.isdisjoint(ids(row, EVENT, peer="eve"))
    assert known.isdisjoint(ids(row, EVENT, user="eve"))
