"""The quota in Redis: one account shared by processes on many machines.

Holds `RedisStore`, a `QuotaStore` of which every step is one script on the server (`redis_store.lua`), timed by the
server's clock. Needs the extra `redis`. Nothing is granted while the server cannot be reached, unless its user has
stated a share that is safe without it (`redis_fallback.py`).

Each event loop has connections of its own. A claim that is repeated by the network is granted once; one that is
cancelled on its way is given back by its id, also if the server sees that first.

**Lost data.** A server that lost its data has forgotten who sent what. It may grant again when two things are
certain: all who live have told it of their slots in flight (they renew them), and what was answered before the loss
rests no more. Both are so after one renewal interval, the longest wait for the server, the time that it is left alone,
and the longest rest: `gather_s`. So a counter is held for `gather_s` from the last instant at which data may have been
lost:

* A counter that the server does not know is new, or was lost when the server started. That start is the instant, and a
  server that has run for longer holds nothing. Nor does one with an append-only file: there, the counter is new. A
  server that does not let its user ask (`INFO`) counts as just started, and as without the file.
* Whoever has met the counter and finds it born anew proves a loss before that birth. The birth is the instant, and the
  day is mended from what has been seen of it. Only so is it noticed that data was deleted under a running server; what
  newcomers were granted until then came on top.

An append-only file on a disk that outlives the server loses nothing, or the last second if the machine dies. Not
noticed: a server that comes back with an older snapshot, and a replica that lagged when it took over.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from importlib.resources import files
from typing import Any, Literal

from agora_tencent_analytics.errors import BadInput, QuotaUnavailable
from agora_tencent_analytics.quota.redis_fallback import Away, Fallback
from agora_tencent_analytics.quota.redis_link import ASK_AGAIN_S, RedisLink
from agora_tencent_analytics.quota.shield import uninterrupted
from agora_tencent_analytics.quota.store import (
    LEASE_S,
    PACE_SLACK_S,
    SLOTS_KEPT_S,
    STEP_TOLERATED_S,
    Claim,
    CounterKey,
    Refused,
    Standing,
    renewal_interval,
)

_KEYS_KEPT_S = 3 * 86_400
_MOST_OWED = 64
_SCRIPT = files("agora_tencent_analytics.quota").joinpath("redis_store.lua").read_text("utf-8")

_log = logging.getLogger("agora_tencent_analytics")


class RedisStore:
    """A quota store on a Redis server (version 5 or later), shared by all who name it.

    Args:
        url: `redis://[user:password@]host[:port]/0`, `rediss://...` or `unix://...`; `/`, `?`, `#` and `@` in a
            password are written as `%2F`, `%3F`, `%23` and `%40`.
        unavailable: while the server cannot be reached, `"fail"` raises `QuotaUnavailable`; `"wait"` waits for it, as
            long as `max_wait` and deadlines allow.
        fallback_share: while the server cannot be reached, serve this share of each rate (rounded down; where that is
            less than one request, the window is stretched) and of what is left of the day. More than 0 and at most
            0.5; the shares of all processes must not add up to more than 1. What was granted is charged when the
            server is back.
        lease_s: how long a slot is kept for a process that says nothing, seconds.
        timeout_s: the longest wait for an answer of the server, seconds. One that hangs is waited for so long also by
            who does not want to wait for a slot (`max_wait=0`), and then left alone for a second.

    Raises:
        BadInput: the URL or an option is wrong, or redis-py is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        unavailable: Literal["fail", "wait"] = "fail",
        fallback_share: float | None = None,
        lease_s: float = LEASE_S,
        timeout_s: float = 2.0,
    ) -> None:
        if unavailable not in ("fail", "wait"):
            raise BadInput(f"unavailable must be 'fail' or 'wait', not {unavailable!r}")
        if fallback_share is not None and (unavailable == "wait" or not 0 < fallback_share <= 0.5):
            raise BadInput(
                "fallback_share must be more than 0 and at most 0.5, because it is never the full rate, and needs "
                f"unavailable='fail'; not {fallback_share!r} with {unavailable!r}"
            )
        if not (lease_s > 0 and timeout_s > 0):
            raise BadInput(f"lease_s and timeout_s must be more than 0 seconds, not {lease_s!r} and {timeout_s!r}")
        self.lease_s = lease_s
        self._timeout_s = timeout_s
        self._link = RedisLink(url, _SCRIPT, timeout_s=timeout_s)
        self._waits = unavailable == "wait"
        self._fallback = None if fallback_share is None else Fallback(fallback_share)
        self._born: dict[CounterKey, str] = {}
        self._owed: dict[str, tuple[CounterKey, Claim]] = {}

    def __repr__(self) -> str:
        return f"<RedisStore {self._link.place}>"

    async def aclose(self) -> None:
        """See `QuotaStore.aclose`. Does nothing while a step of this loop is under way: its connection is in use."""
        await self._link.aclose()

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> Standing:
        """See `QuotaStore.reserve`."""
        try:
            if self._fallback is not None and (away := self._fallback.away(key)) is not None:
                await uninterrupted(self._come_back(key, self._fallback, away))
            for owed in list(self._owed.values()):
                await self._give_back(*owed)
            standing, gathers = await self._reserve(key, claim)
            if self._fallback is None or not self._fallback.serves(key):
                return standing
            if not gathers:
                self._fallback.end(key)
                return standing
            return await self._reserve_share(key, claim, self._fallback)
        except QuotaUnavailable:
            if self._fallback is not None:
                return self._fallback.reserve(key, claim)
            if self._waits:
                return Standing(why="store", after_s=ASK_AGAIN_S, used=claim.seen)
            raise

    async def _reserve_share(self, key: CounterKey, claim: Claim, fallback: Fallback) -> Standing:
        """Grants out of the share while the store waits for others to come back, and tells it."""
        standing = fallback.reserve(key, claim)
        try:
            with contextlib.suppress(QuotaUnavailable):  # it is told next time
                await uninterrupted(self._come_back(key, fallback, fallback.away(key)))
        except asyncio.CancelledError:
            with contextlib.suppress(QuotaUnavailable):
                await uninterrupted(self.refund(key, claim))
            raise
        return standing

    async def _reserve(self, key: CounterKey, claim: Claim) -> tuple[Standing, bool]:
        """The reply, and whether nothing is granted only because others have yet to come back."""
        asked = {
            "windows": [[room.free, room.rest_s] for room in claim.windows],
            "pace_s": max(0.0, claim.pace_s - PACE_SLACK_S),
            "day_limit": claim.day_limit,
            "seen": claim.seen,
            "born": self._born.get(key, ""),
            "gather_s": self._gather_s(claim.longest_rest_s),
            "rest_s": claim.longest_rest_s,
            "slots_s": max(claim.longest_rest_s, SLOTS_KEPT_S),
        }
        try:
            said = await self._run("reserve", key, asked, days=claim.days, claim=claim)
        except QuotaUnavailable:
            self._owe(key, claim)  # it may have been granted, and the answer lost
            raise
        except asyncio.CancelledError:
            # Whether it was granted is not known here, and not needed: it is given back either way.
            with contextlib.suppress(QuotaUnavailable):
                await uninterrupted(self._give_back(key, claim))
            raise
        told = json.loads(said)
        self._born[key] = told.get("born", self._born.get(key, ""))
        return _standing(told), bool(told.get("gathers"))

    async def answered(
        self, key: CounterKey, claim: Claim, now: float, *, ago_s: float, late_days: tuple[int, ...] = ()
    ) -> None:
        """See `QuotaStore.answered`."""
        if self._fallback is not None and self._fallback.answered(key, claim, late_days, ago_s):
            return
        asked = {"ago_s": ago_s, "windowed": bool(claim.windows)}
        await self._run("answered", key, asked, days=late_days, claim=self._known(claim))

    async def refund(self, key: CounterKey, claim: Claim) -> None:
        """See `QuotaStore.refund`."""
        if self._fallback is None or not self._fallback.refund(key, claim):
            await self._give_back(key, self._known(claim))

    async def _give_back(self, key: CounterKey, claim: Claim) -> None:
        self._owe(key, claim)
        await self._run("refund", key, {}, days=claim.days, claim=claim)
        self._owed.pop(claim.id, None)

    def _owe(self, key: CounterKey, claim: Claim) -> None:
        """Remembers to give a claim back when the server can be told."""
        if len(self._owed) < _MOST_OWED:
            self._owed[claim.id] = (key, claim)

    async def renew(self, key: CounterKey, claim: Claim, now: float) -> None:
        """See `QuotaStore.renew`."""
        await self._run("renew", key, {}, claim=self._known(claim))

    async def refused(
        self, key: CounterKey, now: float, *, ago_s: float, hold_s: float, sent_ago_s: float, period_s: int | None
    ) -> None:
        """See `QuotaStore.refused`."""
        asked = {"ago_s": ago_s, "hold_s": hold_s, "sent_ago_s": sent_ago_s, "period_s": period_s or 0}
        await self._run("refused", key, asked)

    async def spend(self, key: CounterKey, day: int, limit: int) -> None:
        """See `QuotaStore.spend`."""
        await self._run("spend", key, {"limit": limit}, days=(day,))

    async def look(self, key: CounterKey, owner: str, days: tuple[int, ...], now: float) -> Standing:
        """See `QuotaStore.look`."""
        return _standing(json.loads(await self._run("look", key, {"owner": owner, "rest_s": SLOTS_KEPT_S}, days=days)))

    def _known(self, claim: Claim) -> Claim:
        """The claim as the server knows it."""
        return claim if self._fallback is None else self._fallback.known(claim)

    async def _come_back(self, key: CounterKey, fallback: Fallback, away: Away | None) -> None:
        while away is not None:
            in_flight = [_member(claim) for claim in away.in_flight]
            asked = {"owed": list(away.owed.values()), "in_flight": in_flight, "id": away.id}
            gather_s = self._gather_s(away.longest_rest_s) if away.first else 0
            await self._run("back", key, {**asked, "gather_s": gather_s}, days=tuple(away.owed))
            fallback.told(key, away)
            if away.first:
                count = sum(away.owed.values())
                _log.info("%s: the quota store is back, and has been told of %d requests", key[1], count)
            away = fallback.away(key)

    def _gather_s(self, longest_rest_s: float) -> float:
        # Until then every process that lives has renewed its slots, and what was answered before rests no more.
        return renewal_interval(self.lease_s) + ASK_AGAIN_S + self._timeout_s + longest_rest_s

    async def _run(
        self,
        step: str,
        key: CounterKey,
        asked: dict[str, Any],
        *,
        days: tuple[int, ...] = (),
        claim: Claim | None = None,
    ) -> Any:
        who = {} if claim is None else {"owner": claim.owner, "id": claim.id}
        tag = f"agora-tencent-analytics:{{{key[0]}:{key[1]}}}"
        common = {"lease_s": self.lease_s, "step_s": STEP_TOLERATED_S, "keep_s": _KEYS_KEPT_S}
        told = {**common, **who, **asked}
        keys = [f"{tag}:slots", f"{tag}:state", f"{tag}:void:{told.get('id', '')}", *(f"{tag}:{day}" for day in days)]
        return await self._link.run(keys, step, json.dumps(told))


def _member(claim: Claim) -> str:
    return f"{claim.owner} {claim.id}"


def _standing(told: dict[str, Any]) -> Standing:
    refused = None
    if "refused" in told:
        number, ago_s, sent_ago_s, period_s = told["refused"]
        refused = Refused(number=number, ago_s=ago_s, sent_ago_s=sent_ago_s, period_s=period_s or None)
    return Standing(
        why=told.get("why"),
        after_s=told["after_s"],
        used=tuple(told["used"]),  # an empty list arrives as an empty object
        others=tuple(told["others"]),
        refused=refused,
    )
