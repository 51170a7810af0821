"""One good answer to every row of both vendors, as the simulators give it, cut short."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import attrs

from agora_tencent_analytics import Endpoint, Response
from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.agora.endpoints import GENERATION_ENDPOINTS
from agora_tencent_analytics.agora.plans import GENERATIONS
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.endpoint import PageNumber, check_params, page_size, spell
from agora_tencent_analytics.paging.clip import cover
from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent
from agora_tencent_analytics.tencent.endpoints import ENDPOINTS
from agora_tencent_analytics.tencent.plans import PLANS
from agora_tencent_analytics.tencent.sign import TencentCredentials
from agora_tencent_analytics.tencent.wire import TencentVendor
from agora_tencent_analytics.wire import Asked, Reply, Vendor
from tests.support.virtual_time import EPOCH
from tests.test_every_question import WORLD, agora_over, agora_params, tencent_over, tencent_params

__all__ = ["DECODERS", "ROWS", "VENDORS", "Sample", "sample"]

_FEW = 3
VENDORS: Mapping[str, Vendor] = {"agora": AgoraVendor(), "tencent": TencentVendor("ap-singapore")}
ROWS: Mapping[str, Endpoint[Any]] = {
    f"{row.vendor} {row.generation} {row.name}": row
    for rows in (*GENERATION_ENDPOINTS.values(), ENDPOINTS)
    for row in rows.values()
}


def _decoder(row: Endpoint[Any]) -> tuple[Any, ...]:
    """All of a row that its answers are read by."""
    whose = (row.vendor, row.generation == "2021-03", row.path, row.retired or row.action)
    metrics = [param.values for param in row.params if param.name == "metric"]
    return *whose, row.model, row.payload, row.key, row.bounds, type(row.paging), repr(metrics)


DECODERS: Sequence[str] = list({_decoder(row): name for name, row in ROWS.items()}.values())
"""One row of all whose answers are read alike, as those of neighbouring generations are."""


@attrs.frozen
class Sample:
    """A good answer."""

    row: Endpoint[Any]
    asked: Asked
    body: bytes

    def decoded(self) -> Reply[Any]:
        """As the caller decodes it."""
        vendor = VENDORS[self.row.vendor]
        response = Response(status=200, headers={}, body=self.body)
        return vendor.decode(self.row, vendor.unwrap(self.row, response), self.asked)


@cache
def sample(name: str) -> Sample:
    """The answer to a row; of a retired row that no simulator answers, its successor's under the row's own names."""
    row = ROWS[name]
    if row.vendor == "tencent" and row.retired and row.action != "DescribeCallDetail":
        successor = sample(next(other for other in ROWS if other.endswith(f" {_successor(row)}")))
        body = json.loads(successor.body)
        inside = body["Response"]
        inside[row.payload] = inside.pop(successor.row.payload)
        return Sample(row, successor.asked, json.dumps(body).encode())
    agora = row.vendor == "agora"
    server = SimulatedAgora if agora else SimulatedTencent
    options: dict[str, Any] = {"api": row.generation} if agora else {}
    answering = server(WORLD, plan="unlimited", clock=lambda: EPOCH, **options)
    plan = (GENERATIONS[row.generation] if agora else PLANS)["unlimited"]
    limits = plan.rows[row.limits]
    over, params = (agora_over, agora_params) if agora else (tencent_over, tencent_params)
    keys = dict(answering.credentials)
    app_id = keys.pop("app_id" if agora else "sdk_app_id")
    credentials = AgoraCredentials(**keys) if agora else TencentCredentials(**keys)
    vendor = VENDORS[row.vendor]
    for window in reversed(list(cover([over(row, plan)], limits, bounds=row.bounds))):
        given = check_params(row, params(row))
        first = row.paging.base if isinstance(row.paging, PageNumber) else 0
        wire = spell(row, app_id, window, given, page=first, size=page_size(row, limits, None))
        request = vendor.authenticate(
            vendor.request(row, "https://x.test", wire), row, credentials, now=EPOCH
        ).revealed()
        status, _, body = asyncio.run(answering.answer(request.method, request.url, request.headers, request.body))
        assert 200 == status, body
        body = json.dumps(_short(json.loads(body))).encode()
        found = Sample(row, Asked(window=window, params=given), body)
        if found.decoded().items:
            return found
    raise LookupError(f"the simulated world has nothing to say to {name}")


def _successor(row: Endpoint[Any]) -> str:
    return row.retired if row.retired in {other.name for other in ROWS.values()} else f"{row.retired} without DataType"


def _short(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _short(value) for key, value in node.items()}
    return [_short(value) for value in node[:_FEW]] if isinstance(node, list) else node
