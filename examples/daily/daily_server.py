"""A small Daily.co for tests: meetings, participants and logs, as its public pages describe them.

Run as a script it serves until its standard input ends, and first prints one JSON line, `base_url` and `start`; what to
paste into another terminal is on standard error. A number of meetings may be given.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from agora_tencent_analytics.testing import on_loopback
from agora_tencent_analytics.vendor import Request, Response

KEY = "daily-key-is-a-secret"
PEOPLE = 3


class DailyServer:
    """Meetings, one every ten seconds, each of three people and a minute long.

    Args:
        start: when the first meeting began, epoch seconds.
        meetings: how many there are.
    """

    def __init__(self, start: int, meetings: int) -> None:
        self.arrivals: list[float] = []
        self._rows = [_meeting(number, start + 10 * number) for number in range(meetings)][::-1]  # newest first

    def answer(self, request: Request, now: float) -> Response:
        """What Daily.co says to a request."""
        self.arrivals.append(now)
        if sum(at > now - 1 for at in self.arrivals) > 20 or sum(at > now - 5 for at in self.arrivals) > 100:
            return _said({"error": "rate-limit-error"}, status=429, headers={"retry-after": "1"})
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("authorization") != f"Bearer {KEY}":
            return _said({"error": "authentication-error", "info": "invalid api key"}, status=401)
        parts = urlsplit(request.url)
        asked = dict(parse_qsl(parts.query))
        match parts.path.strip("/").split("/"):
            case ["v1", "meetings"]:
                return _said(self._meetings(asked))
            case ["v1", "meetings", meeting, "participants"]:
                found = [row for row in self._rows if row["id"] == meeting]
                return _said({"data": _after(found[0]["participants"], "participant_id", asked, "joined_after")})
            case ["v1", "logs"]:
                return _said(self._logs(asked))
        return _said({"error": "not-found"}, status=404)

    def _meetings(self, asked: dict[str, str]) -> dict[str, Any]:
        start, end = int(asked["timeframe_start"]), int(asked["timeframe_end"])
        rows = [row for row in self._rows if start <= row["start_time"] < end]
        rows = [row for row in rows if asked.get("room") in (None, row["room"])]
        return {"total_count": len(rows), "data": _after(rows, "id", asked, "starting_after")}

    def _logs(self, asked: dict[str, str]) -> dict[str, Any]:
        if (asked["includeLogs"], asked["includeMetrics"], asked["order"]) != ("false", "true", "ASC"):
            raise ValueError(f"this server has metrics alone, oldest first, and was asked {asked}")
        (meeting,) = (row for row in self._rows if row["id"] == asked["mtgSessionId"])
        moments = range(meeting["start_time"], meeting["start_time"] + 60, 15)
        inside = [at for at in moments if int(asked["startTime"]) <= at * 1_000 < int(asked["endTime"])]
        rows = [_metrics(meeting["id"], one["participant_id"], at) for at in inside for one in meeting["participants"]]
        at, limit = int(asked["offset"]), int(asked["limit"])
        return {"metrics": rows[at : at + limit]}


def _meeting(number: int, start: int) -> dict[str, Any]:
    people = [
        {
            "user_id": f"user-{place}",
            "user_name": None,
            "participant_id": f"p-{number}-{place}",
            "join_time": start + place,
            "duration": 50,
        }
        for place in range(PEOPLE)
    ]
    facts = {"start_time": start, "duration": 60, "ongoing": False, "max_participants": PEOPLE}
    return {"id": f"m-{number}", "room": f"room-{number % 4}", **facts, "participants": people}


def _metrics(meeting: str, person: str, at: int) -> dict[str, Any]:
    written = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    figures = {"videoRecvPacketLoss": 0.02, "userRecvBitsPerSecAvg": 542_362, "userSentBitsPerSecAvg": None}
    return {"time": written, "clientTime": written, "mtgSessionId": meeting, "userSessionId": person, **figures}


def _after(rows: list[dict[str, Any]], key: str, asked: dict[str, str], name: str) -> list[dict[str, Any]]:
    """The page of rows that follows the one named."""
    at = next((place + 1 for place, row in enumerate(rows) if row[key] == asked.get(name)), 0)
    return rows[at : at + min(100, int(asked["limit"]))]


def _said(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(status=status, headers=headers or {}, body=json.dumps(body).encode())


def main() -> None:
    """Serves meetings that ended an hour ago."""
    meetings = int(sys.argv[1]) if sys.argv[1:] else 20
    start = int(time.time()) - 7_200
    with on_loopback(DailyServer(start, meetings).answer) as base_url:
        print(json.dumps({"base_url": base_url, "start": start}), flush=True)
        print(f"export DAILY_BASE_URL={base_url} DAILY_API_KEY={KEY}", file=sys.stderr, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
