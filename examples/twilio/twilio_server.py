"""A small Twilio Video Insights for tests: rooms and participants, as its public pages describe them.

Run as a script it serves until its standard input ends, and first prints one JSON line, `base_url` and `start`; what to
paste into another terminal is on standard error. A number of rooms may be given.
"""

from __future__ import annotations

import json
import sys
import time
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from agora_tencent_analytics.testing import on_loopback
from agora_tencent_analytics.vendor import Request, Response

ACCOUNT, TOKEN = "AC1", "twilio-token-is-a-secret"
PEOPLE = 3
_KEYS = "Basic " + b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()


class TwilioServer:
    """Rooms, one every ten seconds, each of three people and a minute long.

    Args:
        start: when the first room was created, epoch seconds.
        rooms: how many there are.
    """

    def __init__(self, start: int, rooms: int) -> None:
        self.arrivals: list[float] = []
        self._starts = [start + 10 * number for number in range(rooms)]

    def answer(self, request: Request, now: float) -> Response:
        """What Twilio says to a request."""
        self.arrivals.append(now)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("authorization") != _KEYS:
            return _said({"code": 20003, "message": "Authenticate", "status": 401}, status=401)
        parts = urlsplit(request.url)
        asked = dict(parse_qsl(parts.query))
        match parts.path.strip("/").split("/"):
            case ["v1", "Video", "Rooms"]:
                return _said(_page("rooms", self._rooms(asked), request.url))
            case ["v1", "Video", "Rooms", room, "Participants"]:
                start = self._starts[int(room.removeprefix("RM"))]
                people = [_participant(room, place, start + place) for place in range(PEOPLE)]
                return _said(_page("participants", people, request.url))
        return _said({"code": 20404, "message": "not found", "status": 404}, status=404)

    def _rooms(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        after, before = (datetime.fromisoformat(asked[name]).timestamp() for name in ("CreatedAfter", "CreatedBefore"))
        rows = [_room(number, at) for number, at in enumerate(self._starts) if after <= at < before]
        return [row for row in rows if asked.get("RoomName") in (None, row["room_name"])][::-1]


def _room(number: int, start: int) -> dict[str, Any]:
    return {
        "account_sid": ACCOUNT,
        "room_sid": f"RM{number}",
        "room_name": f"room-{number % 4}",
        "create_time": _written(start),
        "end_time": _written(start + 60),
        "room_status": "completed",
        "room_type": "group",
        "unique_participants": PEOPLE,
        "max_concurrent_participants": PEOPLE,
    }


def _participant(room: str, place: int, joined: int) -> dict[str, Any]:
    return {
        "participant_sid": f"PA{room}-{place}",
        "participant_identity": f"user-{place}",
        "room_sid": room,
        "join_time": _written(joined),
        "leave_time": _written(joined + 50),
        "duration_sec": 50,
        "status": "completed",
    }


def _written(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(name: str, rows: list[Any], url: str) -> dict[str, Any]:
    """A page of these rows, with the link to the next."""
    asked = dict(parse_qsl(urlsplit(url).query))
    page, size = int(asked.get("Page", "0")), int(asked["PageSize"])
    if page and asked["PageToken"] != f"PA{page}":
        raise ValueError(f"page {page} was asked for with the token {asked['PageToken']!r}")
    onward = {**asked, "Page": str(page + 1), "PageToken": f"PA{page + 1}"}
    link = f"https://insights.twilio.com{urlsplit(url).path}?{urlencode(onward)}"
    more = (page + 1) * size < len(rows)
    meta = {"page": page, "page_size": size, "key": name, "url": url, "next_page_url": link if more else None}
    return {"meta": meta, name: rows[page * size : (page + 1) * size]}


def _said(body: Any, *, status: int = 200) -> Response:
    return Response(status=status, headers={}, body=json.dumps(body).encode())


def main() -> None:
    """Serves rooms that ended an hour ago."""
    rooms = int(sys.argv[1]) if sys.argv[1:] else 20
    start = int(time.time()) - 7_200
    with on_loopback(TwilioServer(start, rooms).answer) as base_url:
        print(json.dumps({"base_url": base_url, "start": start}), flush=True)
        keys = f"TWILIO_ACCOUNT_SID={ACCOUNT} TWILIO_AUTH_TOKEN={TOKEN}"
        print(f"export TWILIO_BASE_URL={base_url} {keys}", file=sys.stderr, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
