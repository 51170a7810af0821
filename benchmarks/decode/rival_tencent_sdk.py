"""Tencent's own SDK: `json.loads` as its client does it, then its models' deserialisation."""

from __future__ import annotations

import json
from typing import Any

from tencentcloud.trtc.v20190722 import models


def tencent(body: bytes) -> Any:
    return _answer(models.DescribeCallDetailInfoResponse(), body)


def tencent_rooms(body: bytes) -> Any:
    return _answer(models.DescribeRoomInfoResponse(), body)


def tencent_users(body: bytes) -> Any:
    return _answer(models.DescribeUserInfoResponse(), body)


def _answer(response: Any, body: bytes) -> Any:
    # Its client parses once for the error check and once more for the answer.
    json.loads(body)
    response._deserialize(json.loads(body)["Response"])
    return response
