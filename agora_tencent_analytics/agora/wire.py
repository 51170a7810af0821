"""How Agora is spoken to: hosts, authentication, and what an answer says, judged from status and body.

Both vendors' habits that matter here: refusals arrive as HTTP 200 with a `code` in the body, and a body
without a `code` is a success only under a 2xx status.
"""

from __future__ import annotations

from typing import Any

import msgspec

from agora_tencent_analytics.agora.auth import AgoraCredentials, basic
from agora_tencent_analytics.agora.codes import refusal
from agora_tencent_analytics.agora.replies import STRUCTURE, call_rows, series_of, session_rows
from agora_tencent_analytics.agora.series import AgoraMetrics, read_metrics
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import Refusal
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.models import Call, Session
from agora_tencent_analytics.series import MetricSeries
from agora_tencent_analytics.vendor import Asked, Reply, Vendor, judge_status, parse_object, row_ids, unreadable

__all__ = ["HOSTS", "AgoraVendor"]

HOSTS = ("https://api.agora.io", "https://api.sd-rtn.com")
"""Primary host, and the one for mainland China. Both serve the same accounts."""

_ENVELOPE = frozenset({"code", "message", "requestId", "page_no", "page_size", "total_size", "has_more"})


class AgoraVendor(Vendor):
    """Agora Analytics, as its REST reference describes it."""

    name = "agora"
    structure = STRUCTURE

    def authenticate(
        self, request: Request, row: Endpoint[Any], credentials: AgoraCredentials, *, now: float
    ) -> Request:
        """Adds HTTP Basic authentication; the instant plays no part in it."""
        return request.with_headers({"Authorization": basic(credentials)})

    def unwrap(self, row: Endpoint[Any], response: Response) -> Any:
        """The body of a good answer: an object, or the shell of a metrics answer.

        Raises:
            Refusal: the vendor said no.
            UnreadableReply: the body is not an answer.
        """
        failure = judge_status(self.name, row, response, told=lambda: _told(response))
        if failure is not None:
            raise failure
        if row.model is MetricSeries and response.status == 200:
            try:
                shell = read_metrics(response.body)
            except ValueError as error:
                raise unreadable(row, response, str(error)) from None
            _judge(row, response, shell.code, shell.message, shell.request_id)
            return shell
        body = parse_object(row, response)
        _judge(row, response, _code(body), _text(body.get("message")), _text(body.get("requestId")))
        return body

    def decode(self, row: Endpoint[Any], body: Any, asked: Asked) -> Reply[Any]:
        """The rows of a good answer as records."""
        if isinstance(body, AgoraMetrics):
            items: list[Any] = series_of(body, asked)
            return Reply(items=items, request_id=body.request_id, extra=body.extra)
        rows = body.get(row.payload) or []
        if row.model is Call:
            items = call_rows(rows)
        elif row.model is Session:
            items = session_rows(rows, asked)
        else:
            items = self.structure.rows(rows, row.model, vendor=self.name)
        total, has_more = body.get("total_size"), body.get("has_more")
        return Reply(
            items=items,
            ids=row_ids(row, items),
            total=total if type(total) is int and total >= 0 else None,
            has_more=has_more if isinstance(has_more, bool) else None,
            request_id=_text(body.get("requestId")),
            extra={name: value for name, value in body.items() if name not in _ENVELOPE and name != row.payload},
        )


def _judge(row: Endpoint[Any], response: Response, code: int | None, message: str, request_id: str) -> None:
    """Lets a good answer pass: 2xx, and no code or code 200."""
    if 200 <= response.status < 300 and code in (None, 200):
        return
    raise _refused(row, response, code, message, request_id)


def _refused(row: Endpoint[Any], response: Response, code: int | None, message: str, request_id: str) -> Refusal:
    said = response.status if code in (None, 200) else code
    return refusal(code=said or 0, message=message, request_id=request_id, endpoint=row.name, status=response.status)


def _code(body: dict[str, Any]) -> int | None:
    code = body.get("code")
    if isinstance(code, str) and code.lstrip("-").isdigit():
        return int(code)
    return code if type(code) is int else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _told(response: Response) -> tuple[str, str, str]:
    """Code, message and request id of an error body, as far as it has them."""
    try:
        body = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", "", ""
    if not isinstance(body, dict):
        return "", "", ""
    code = _code(body)
    return "" if code is None else str(code), _text(body.get("message")), _text(body.get("requestId"))
