"""How Tencent is spoken to: hosts, headers, signature, and what an answer says, judged from status and body.

The vendor answers HTTP 200 whenever it processed the request at all; what it says is in the body, under
`Response.Error`, whatever the content type claims. Any other status comes from a gateway on the way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlsplit

import attrs

from agora_tencent_analytics.decoding.rawjson import beside
from agora_tencent_analytics.decoding.unread import SeriesAnswer
from agora_tencent_analytics.endpoint import Endpoint, whole_units
from agora_tencent_analytics.errors import InvalidRequest, NotFound, Refusal
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.models.events import AbnormalExperience, Event
from agora_tencent_analytics.models.figures import Figures
from agora_tencent_analytics.refusals import BY_STATUS, Made, unreadable
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.tencent.codes import meant
from agora_tencent_analytics.tencent.figures import SHAPES
from agora_tencent_analytics.tencent.replies import PAGES, READ, SERIES, STRUCTURE, numbered, series_of, sessions_of
from agora_tencent_analytics.tencent.sign import TencentCredentials, sign
from agora_tencent_analytics.tencent.usage import RoomUsage, read_room_usage
from agora_tencent_analytics.wire import Asked, Reply, Vendor, count_of, payload_of, read_rows, row_ids

HOST = "https://trtc.tencentcloudapi.com"
"""Mainland China."""
HOST_INTL = "https://trtc.intl.tencentcloudapi.com"
"""International."""
REGIONS = ("ap-beijing", "ap-guangzhou", "ap-mumbai", "ap-singapore", "na-toronto")
"""Regions that the vendor's pages name for call quality. The list has changed before: any text is passed on."""
REGIONS_OF_USAGE = ("ap-guangzhou", "ap-singapore")
"""Regions that the vendor's pages name for the usage that is billed. The dashboard's actions need none."""
_REGIONAL = (
    *("ap-bangkok", "ap-beijing", "ap-chengdu", "ap-chongqing", "ap-guangzhou", "ap-hongkong", "ap-jakarta"),
    *("ap-nanjing", "ap-seoul", "ap-shanghai", "ap-singapore", "ap-tokyo", "eu-frankfurt", "na-ashburn"),
    *("na-siliconvalley", "sa-saopaulo"),
)
HOSTS: Mapping[str, str] = MappingProxyType(
    {
        "mainland": HOST,
        "international": HOST_INTL,
        **{region: f"https://trtc.{region}.tencentcloudapi.com" for region in _REGIONAL},
    }
)
"""Every address that the vendor's pages list, for `base_url`. The region of a host is not the `X-TC-Region`."""

VERSION = "2019-07-22"
SERVICE = "trtc"
_ENVELOPE = frozenset({"Total", "RequestId", "UsageKey"})
_WARNING = "DeprecatedWarning"
"""Stands in answers of actions that are about to go offline."""

_WITHOUT_IDS = (Event, AbnormalExperience)


@attrs.define
class TencentVendor(Vendor):
    """Tencent RTC call quality, API version 2019-07-22.

    Args:
        region: value of `X-TC-Region`.
    """

    name = "tencent"
    structure = STRUCTURE
    _within = "Response"
    _usual = PAGES
    _series = SERIES
    # All but 200 are a gateway's.
    _good_statuses = (200,)
    codes: ClassVar[Mapping[int | str, Made]] = {
        status: BY_STATUS.get(status, InvalidRequest) for status in range(201, 500) if status != 429
    }
    good_codes: ClassVar[Collection[int | str]] = ()
    request_id_key = "request_id"
    shown: ClassVar[frozenset[str]] = frozenset(
        {"x-tc-action", "x-tc-language", "x-tc-region", "x-tc-timestamp", "x-tc-version"}
    )
    region: str

    def authenticate(
        self, request: Request, row: Endpoint[Any], credentials: TencentCredentials, *, now: float
    ) -> Request:
        """Adds the action's headers and a signature over the exact body, valid for five minutes around `now`."""
        timestamp = int(now)
        content_type = request.headers["Content-Type"]
        signed = {"content-type": content_type, "host": _host(request.url), "x-tc-action": row.action}
        headers: dict[str, str | Secret[str]] = {
            "Authorization": sign(credentials, headers=signed, body=request.body, service=SERVICE, timestamp=timestamp),
            "X-TC-Action": row.action,
            "X-TC-Version": VERSION,
            "X-TC-Timestamp": str(timestamp),
            "X-TC-Region": self.region,
            "X-TC-Language": "en-US",
        }
        if credentials.token:
            headers["X-TC-Token"] = credentials.token
        return request.with_headers(headers)

    def _judge(self, row: Endpoint[Any], response: Response, body: Any) -> None:
        """Lets an answer pass that has a request id or rows. One with neither is not an empty answer."""
        inside = body.get("Response")
        if not isinstance(inside, dict):
            raise unreadable(row, response, "no object under 'Response'")
        if inside.get("Error") is not None:
            raise self._refusal(row, response, body)
        if not _text(inside.get("RequestId")) and f'"{row.payload}"'.encode() not in response.body:
            raise unreadable(row, response, f"neither 'RequestId' nor {row.payload!r} under 'Response'")

    def _refusal(self, row: Endpoint[Any], response: Response, body: Any) -> Refusal:
        """The refusal that the body spells; without an error in it, that of a gateway on the way."""
        inside = body.get("Response")
        error = inside.get("Error") if isinstance(inside, dict) else None
        if error is None:
            return super()._refusal(row, response, {"message": "(a gateway answered in the vendor's place)"})
        said = error if isinstance(error, dict) else {"Message": error}
        told = {"code": _text(said.get("Code")) or "(no code)", "message": _text(said.get("Message"))}
        return super()._refusal(row, response, {**told, "request_id": inside.get("RequestId")})

    def _meant(self, row: Endpoint[Any], code: Any, message: str) -> Made | None:
        """By the vendor's tables alone."""
        if (made := meant(code)) is NotFound and row.retired:
            return NotFound, {"hint": f"the vendor has retired this action; ask {row.retired} instead"}
        return made or Refusal

    def decode(self, row: Endpoint[Any], body: Any, asked: Asked) -> Reply[Any]:
        """The rows of a good answer as records."""
        if isinstance(body, SeriesAnswer):
            stays = sessions_of(body, asked)
            users, wanted = {stay.user_id for stay in stays}, set(asked.params.get("UserIds") or ())
            return Reply(
                items=series_of(body, users, asked),
                sessions=stays,
                ids=[stay.session_id for stay in stays],
                total=count_of(body.envelope["Total"]),
                # Data is by user. Once every user that was asked for has shown up, further stays add nothing.
                is_last=bool(wanted) and wanted <= users,
                request_id=body.envelope["RequestId"] or "",
                extra=body.extra,
                warning=_text(body.extra.get(_WARNING)),
            )
        if row.model is Figures:
            return self.reply(row, body, SHAPES[row.payload](row, body, asked))
        if row.model is RoomUsage:
            window = whole_units(row.bounds, asked.window)
            return self.reply(row, body, read_room_usage(payload_of(row, body), window, asked.flaws))
        if row.model in READ:
            read = partial(READ[row.model], asked=asked)
            return self.reply(row, body, read_rows(row, payload_of(row, body), asked, read))
        return super().decode(row, body, asked)

    def reply(self, row: Endpoint[Any], body: Any, items: Sequence[Any]) -> Reply[Any]:
        """An answer with these records, and with what stands beside them."""
        ids = row_ids(row, items)
        shell = body.get(row.payload)  # of the dashboard an object: its rows are in `Series`
        inside = beside(shell, ("Series",)) if isinstance(shell, dict) else {}
        return Reply(
            items=items,
            ids=numbered(ids) if row.model in _WITHOUT_IDS else ids,
            total=count_of(body.get("Total")),
            request_id=_text(body.get("RequestId")),
            extra=inside | beside(body, _ENVELOPE, row.payload),
            warning=_text(body.get(_WARNING)),
        )


@lru_cache(maxsize=16)
def _host(url: str) -> str:
    """The `Host` header as HTTP clients send it: without the port where it is the scheme's own."""
    parts = urlsplit(url)
    return parts.netloc.lower().removesuffix({"https": ":443", "http": ":80"}[parts.scheme])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
