"""A transport into a simulated vendor whose answers a test spoils on the way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from agora_tencent_analytics import Request, Response, Timeouts
from agora_tencent_analytics.simulator import SimulatedVendor
from tests.support.transports import InProcess

Rows = list[dict[str, Any]]


class Spoilt(InProcess):
    """Lets a function change the rows of a kind before the client sees them.

    Args:
        server: who answers, in all politeness.
        spoil: takes the rows of a list, and changes them in place, by the name of the list; `""`: the whole answer.
    """

    def __init__(self, server: SimulatedVendor, spoil: dict[str, Callable[[Rows], None]]) -> None:
        super().__init__(server)
        self._spoil = spoil

    async def send(self, request: Request, *, timeouts: Timeouts, answered: Callable[[], None]) -> Response:
        response = await super().send(request, timeouts=timeouts, answered=answered)
        body = json.loads(response.body)
        inside = body.get("Response", body)
        for name, spoil in self._spoil.items():
            if rows := inside.get(name) if name else [inside]:
                spoil(rows)
        return Response(status=response.status, headers=response.headers, body=json.dumps(body).encode())
