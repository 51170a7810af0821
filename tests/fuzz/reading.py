"""What may come of any answer whatever: `read`, which the tests and the coverage-guided fuzzer share.

A good answer is read to the last point and id; a bad one is an `UnreadableReply` or a `Refusal` that can be shown,
carried and counted. Anything else that is raised is a defect, and so is anything that a walk could not go on with.
"""

from __future__ import annotations

import itertools
import math
import pickle
from typing import Any

from agora_tencent_analytics import Figures, MetricSeries, Refusal, Response, UnreadableReply
from agora_tencent_analytics.paging.seen_ids import digest
from agora_tencent_analytics.paging.truncated import moments
from agora_tencent_analytics.wire import Reply, decoded
from tests.fuzz.samples import VENDORS, Sample

__all__ = ["LONGEST_TEXT", "read"]

LONGEST_TEXT = 4_000
"""Characters that an error may have, whatever the vendor wrote."""
DEEPEST_EXTRA = 66
"""Levels of an `extra`: 64 of a value, under its name, and under the time of the point that it stood beside."""


def read(sample: Sample, response: Response) -> Reply[Any] | UnreadableReply | Refusal:
    """The answer as a walk takes it, or the error that the walk would see."""
    try:
        reply = _decoded(sample, response)
        moments(sample.row, reply)
    except (UnreadableReply, Refusal) as error:
        _check_error(error)
        return error
    _check(sample, reply)
    return reply


def _decoded(sample: Sample, response: Response) -> Reply[Any]:
    vendor = VENDORS[sample.row.vendor]
    return decoded(vendor, sample.row, response, vendor.unwrap(sample.row, response), sample.asked)


def _check_error(error: UnreadableReply | Refusal) -> None:
    assert len(str(error)) <= LONGEST_TEXT
    assert str(error) == str(pickle.loads(pickle.dumps(error)))
    if isinstance(error, Refusal):
        assert [str] * 4 == [type(fact) for fact in (error.code, error.message, error.request_id, error.vendor)]


def _depth(value: Any) -> int:
    deepest, todo = 0, [(value, 1)]
    while todo:
        node, depth = todo.pop()
        if isinstance(node, dict | list):
            deepest = max(deepest, depth)
            todo += [(inside, depth + 1) for inside in (node.values() if isinstance(node, dict) else node)]
    return deepest


def _check(sample: Sample, reply: Reply[Any]) -> None:
    assert all(type(item) is sample.row.model for item in reply.items)
    assert reply.total is None or (type(reply.total) is int and reply.total >= 0)
    assert reply.has_more is None or type(reply.has_more) is bool
    assert type(reply.request_id) is str
    for row_id in reply.ids:
        digest(row_id)
    for one in (reply, *reply.sessions, *reply.items):
        assert _depth(getattr(one, "extra", {})) <= DEEPEST_EXTRA
    if sample.row.key and sample.row.model is not MetricSeries:
        assert len(reply.ids) == len(reply.items)
    for item in reply.items:
        if isinstance(item, MetricSeries | Figures):
            times, values = item.times, item.values
            assert len(times) == len(values)
            assert all(earlier < later for earlier, later in itertools.pairwise(times))
            assert all(not math.isinf(value) for value in values)
            assert item.columns.odd >= 0 <= item.columns.outside
