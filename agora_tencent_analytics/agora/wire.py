"""How Agora is spoken to: hosts, authentication, and what an answer says, judged from status and body.

Both vendors' habits that matter here: refusals arrive as HTTP 200 with a `code` in the body, and a body
without a `code` is a success only under a 2xx status.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.agora.codes import CODES, MESSAGES_300
from agora_tencent_analytics.agora.figures.decode import READ
from agora_tencent_analytics.agora.replies import PAGES, SERIES, STRUCTURE, series_of, sessions_of
from agora_tencent_analytics.decoding.rawjson import beside, number, text
from agora_tencent_analytics.decoding.rows import UsualPage, says_no
from agora_tencent_analytics.decoding.unread import SeriesAnswer
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import Refusal
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.refusals import Made, unreadable
from agora_tencent_analytics.wire import Asked, Reply, Vendor, count_of, payload_of, row_ids

HOSTS = ("https://api.agora.io", "https://api.sd-rtn.com")
"""Primary host, and the one for mainland China. Both serve the same accounts."""

_ENVELOPE = frozenset({"code", "message", "requestId", "page_no", "page_size", "total_size", "has_more", "call_id"})


class AgoraVendor(Vendor):
    """Agora Analytics, as its REST reference describes it."""

    name = "agora"
    structure = STRUCTURE
    _usual = PAGES
    _series = SERIES
    codes = CODES
    good_codes: ClassVar[Collection[int | str]] = (200, "200")
    request_id_key = "requestId"
    shown: ClassVar[frozenset[str]] = frozenset({"end_ts", "metric", "page_no", "page_size", "start_ts"})

    def authenticate(
        self, request: Request, row: Endpoint[Any], credentials: AgoraCredentials, *, now: float
    ) -> Request:
        """Adds HTTP Basic authentication; the instant plays no part in it."""
        return request.with_headers({"Authorization": credentials.basic})

    def _judge(self, row: Endpoint[Any], response: Response, body: Any) -> None:
        """Lets a good answer pass: code 200, or rows without a code. An object with neither is not an empty answer."""
        code = body.get("code")
        if code is not None and number(code) != 200:
            raise self._refusal(row, response, body)
        if code is None and f'"{row.payload}"'.encode() not in response.body:
            why = f"an object with neither 'code' nor {row.payload!r}"
            raise unreadable(row, response, why, request_id=text(body.get("requestId")))

    def _meant(self, row: Endpoint[Any], code: Any, message: str) -> Made | None:
        """By the vendor's table alone; a code 300 says what it means in its message."""
        if (whole := number(code)) != 300:
            return super()._meant(row, whole, message) or Refusal
        return next((made for part, made in MESSAGES_300.items() if part in message.lower()), Refusal)

    def decode(self, row: Endpoint[Any], body: Any, asked: Asked) -> Reply[Any]:
        """The rows of a good answer as records."""
        envelope = body.envelope if isinstance(body, SeriesAnswer) else body
        named = text(getattr(body, "call_id", None) if isinstance(body, UsualPage) else envelope.get("call_id"))
        asked_for = asked.params.get("call_id", named)
        if named and named.lower() != asked_for.lower():
            raise ValueError(f"it is about call {named[:40]!r}, which was not asked for")
        if isinstance(body, SeriesAnswer):
            sessions = sessions_of(body, asked)
            users = {session.session_id: session.user_id for session in sessions}
            return Reply(
                items=series_of(row, body, users, asked),
                sessions=sessions,
                # Which sessions an answer of 2021 chose; since then those that were asked for.
                ids=list(users),
                request_id=body.envelope["requestId"] or "",
                extra=body.extra,
            )
        if row.model in READ:
            return self.reply(row, body, READ[row.model](row, payload_of(row, body), asked))
        return super().decode(row, body, asked)

    def reply(self, row: Endpoint[Any], body: Any, items: Sequence[Any]) -> Reply[Any]:
        """An answer with these records, and with what stands beside them."""
        has_more = body.get("has_more")
        return Reply(
            items=items,
            ids=row_ids(row, items),
            total=count_of(body.get("total_size")),
            has_more=None if has_more is None else not says_no(has_more),
            request_id=text(body.get("requestId")),
            extra=beside(body, _ENVELOPE, row.payload),
        )
