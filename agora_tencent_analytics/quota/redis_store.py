"""The quota in Redis: one account shared by processes on many machines.

Holds `RedisStore`, a `QuotaStore` whose every step is one script on the server (`redis_store.lua`), timed by the
server's clock. Needs the extra `redis`. Nothing is granted while the server cannot be reached, unless the user has
stated a share that is safe to send without it (`redis_fallback.py`).

Each event loop has connections of its own. A claim that the network repeats is granted once; one that is cancelled on
its way is given back by its id, even if the server hears of that before it sees the claim.

**A server that forgot** is noticed as `record.py` describes. Its identity is the run id (`INFO server`), which changes
with every start and every failover. After one renewal interval, the longest wait for the server and the time for which
it is left alone, every client that lives has told it which slots are in flight: `gather_s`. There is nothing to
compare its clock with, so each client compares it with its own monotonic clock from answer to answer; and a newcomer
rests once by itself if its wall clock differs from the server's by something else than the others' do. So does a client
that has no right to ask for the run id, after each new connection.

**The run id is read with every claim**, 5 to 16 us of the server's 50. A proxy may move a connection to another server
without a word, and a client that was idle knows no number by which to see that the new one lacks what others were
granted: it would be granted out of an older state. Nothing cheaper will do. The scripts that a server remembers do not
identify it (until Redis 7 they are in its dumps, and a replica may be asked to run one), nor does the time of its last
save (two that were started together have the same).

**First contact.** What a server will lose, or count apart, is looked at once: see `docs/redis.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from importlib.resources import files
from typing import Any, Literal

import msgspec

from agora_tencent_analytics.errors import BadInput, QuotaUnavailable
from agora_tencent_analytics.quota.record import DAYS_KEPT, Day, Known, tell_of_loss
from agora_tencent_analytics.quota.redis_fallback import Away, Fallback
from agora_tencent_analytics.quota.redis_link import ASK_AGAIN_S, Misconfigured, RedisLink
from agora_tencent_analytics.quota.shield import uninterrupted
from agora_tencent_analytics.quota.store import (
    LEASE_S,
    PACE_SLACK_S,
    SLOTS_KEPT_S,
    STEP_NOTICED_S,
    STEP_TOLERATED_S,
    Claim,
    CounterKey,
    CounterState,
    renewal_interval,
)

_OF_VERSION_0_1 = "0.1"
_MOST_OWED = 64
_SCRIPT = files("agora_tencent_analytics.quota").joinpath("redis_store.lua").read_text("utf-8")

_log = logging.getLogger("agora_tencent_analytics")


class _Told(msgspec.Struct):
    """What the script replies."""

    state: CounterState
    now: float
    void: bool = False
    """The claim was given back before it came."""
    tell: bool = False
    """The server is to be told first what it has forgotten and this client knows."""
    database: str = ""
    """The number of another database that counts the account."""
    news: str | None = None
    """What was found wrong with this claim."""
    birth: str = ""
    server: str = ""
    number: int = 0
    lost: bool = False
    blind: bool = False
    """This client has no right to ask which server it is."""
    skewed: bool = False
    """Its clock differs from this client's wall clock by something else than when the account was born."""
    unsure: bool = False
    """This client is to rest by itself."""
    gathers: bool = False
    days: list[Day] = []


_read = msgspec.json.Decoder(_Told).decode


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
        accept_eviction: use a server that drops keys when its memory is full (`maxmemory-policy allkeys-...`). Each
            key that it drops costs a rest, and what nobody alive has seen of the day.
        lease_s: how long a slot is kept for a process that says nothing, seconds.
        timeout_s: the longest wait for an answer of the server, seconds. One that hangs is waited for so long also by
            who does not want to wait for a slot (`max_wait=0`), and then left alone for a second.

    Raises:
        BadInput: the URL or an option is wrong, or redis-py is not installed.
    """

    takes_along = True

    def __init__(
        self,
        url: str,
        *,
        unavailable: Literal["fail", "wait"] = "fail",
        fallback_share: float | None = None,
        accept_eviction: bool = False,
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
        # By the end of this every process that lives has renewed its slots.
        self._gather_s = renewal_interval(lease_s) + ASK_AGAIN_S + timeout_s
        self._always = {
            "lease_s": lease_s,
            "gather_s": self._gather_s,
            "step_s": STEP_TOLERATED_S,
            "noticed_s": STEP_NOTICED_S,
            "slack_s": PACE_SLACK_S,
            "slots_s": SLOTS_KEPT_S,
            "days_kept": DAYS_KEPT,
            "db": self._link.database,
        }
        self._waits = unavailable == "wait"
        self._fallback = None if fallback_share is None else Fallback(fallback_share)
        self._accepts_eviction = accept_eviction
        self._known: dict[str, Known] = {}
        self._met: dict[CounterKey, float] = {}
        """The counters that were asked for, and when version 0.1 was kept from counting them here; 0 if it did not."""
        self._greeted = False
        self._rests_until: dict[str, float] = {}
        """By account, monotonic: until then this client rests, unsure which server it is, or of that server's clock."""
        self._breaks: dict[str, int] = {}
        self._lead: tuple[str, float, float] | None = None
        """Which server it is, and the least and the most by which its clock is ahead of our monotonic one."""
        self._owed: dict[str, tuple[CounterKey, Claim, str | None]] = {}

    def __repr__(self) -> str:
        return f"<RedisStore {self._link.place}>"

    async def aclose(self) -> None:
        """See `QuotaStore.aclose`. Tells what was served without the server, if it can be reached again.

        Closes nothing while a step of this loop is under way: its connection is in use.
        """
        if self._fallback is not None:
            for key in self._fallback.counters():
                with contextlib.suppress(QuotaUnavailable):
                    await uninterrupted(self._come_back(key, self._fallback, self._fallback.away(key)))
        await self._link.aclose()

    async def reserve(self, key: CounterKey, claim: Claim, now: float) -> CounterState:
        """See `QuotaStore.reserve`."""
        ended = claim.ended
        if self._fallback is not None:
            ended = tuple(one for one in ended if not self._fallback.ended(key, one[0], ago_s=one[1]))
        try:
            if self._fallback is not None and (away := self._fallback.away(key)) is not None:
                await uninterrupted(self._come_back(key, self._fallback, away))
            for whose, owed, life in list(self._owed.values()):
                if whose == key:
                    await self._give_back(key, owed, life)
            state, gathers = await self._reserve(key, claim, now, ended)
            if self._fallback is None or not self._fallback.serves(key):
                return state
            if not gathers:
                self._fallback.end(key)
                return state
            return await self._reserve_share(key, claim, self._fallback)
        except Misconfigured:
            raise
        except QuotaUnavailable:
            if self._fallback is not None and self._fallback.covers(claim):
                return self._fallback.reserve(key, claim)
            if self._waits:
                return CounterState(why="store", after_s=ASK_AGAIN_S, used=claim.seen)
            raise

    async def _reserve_share(self, key: CounterKey, claim: Claim, fallback: Fallback) -> CounterState:
        """Grants out of the share while the store waits for others to return, and tells it so."""
        state = fallback.reserve(key, claim)
        try:
            with contextlib.suppress(QuotaUnavailable):  # it is told next time
                await uninterrupted(self._come_back(key, fallback, fallback.away(key)))
        except asyncio.CancelledError:
            if state.why is None:
                with contextlib.suppress(QuotaUnavailable):
                    await uninterrupted(self.refund(key, msgspec.structs.replace(claim, id=state.granted_as)))
            raise
        return state

    async def _reserve(
        self, key: CounterKey, claim: Claim, now: float, ended: tuple[tuple[str, float], ...]
    ) -> tuple[CounterState, bool]:
        """The reply; and whether nothing was granted only because others have yet to return from their shares."""
        account, counter = key
        known = self._known.setdefault(account, Known())
        rests_s = self._rests_until.get(account, 0.0) - time.monotonic()
        if rests_s > 0:
            return CounterState(why="hold", after_s=rests_s, used=claim.seen, alone=True), False
        if key not in self._met:
            self._met[key] = await self._hello(key, claim)
        more: dict[str, Any] = {"adopted": self._met[key], "rested": self._rests_until.pop(account, None) is not None}
        if ended:
            known.active_at = time.monotonic()
            more["ended"] = ended
        while True:
            sent, asked_as = time.monotonic(), known.birth
            # Without the right to ask which server it is, it is unknown again once a connection was lost.
            more["fresh"] = not known.birth or self._breaks.get(account, self._link.breaks) != self._link.breaks
            told = await self._ask(key, claim, known, sent - now, more)
            if told.database:
                raise self._link.unusable(
                    f"its database {told.database} counts this account too, and they would count apart; name one "
                    "database everywhere, or delete the keys of the account in the other"
                )
            self._link.served()
            granted = told.state.why is None
            if told.void:
                return told.state, False
            stepped = self._stepped(told, sent, time.monotonic())
            if told.tell:
                heard = None
                while heard != known.heard:  # meanwhile the reply to an earlier claim may have come
                    heard = known.heard
                    await self._mend(key, known)
                known.learn(told.birth, told.server, counter, 0, asked_as=asked_as)
                # Whoever noticed the loss may have seen the clock as it is now: then that is told already.
                more = {"stepped": stepped and told.skewed}
            elif stepped and not more.get("stepped"):
                if granted:
                    await self._give_back(key, claim, told.birth)
                more["stepped"] = True
                continue
            if told.news:
                tell_of_loss(counter, self._link.place, told.news, lost=told.lost, shared=True)
            if not told.tell:
                break
        self._met[key] = 0.0
        if granted:
            known.active_at = sent
        days = list(zip(claim.days, told.days, strict=True))
        known.learn(told.birth, told.server, counter, told.number, days, asked_as=asked_as)
        if told.unsure:
            self._rests_until[account] = time.monotonic() + told.state.after_s
        if told.blind:
            self._breaks[account] = self._link.breaks
        return told.state, told.gathers

    async def _ask(self, key: CounterKey, claim: Claim, known: Known, ahead_s: float, more: dict[str, Any]) -> _Told:
        asked = {
            "windows": claim.windows,
            "pace_s": claim.pace_s,
            "day_limit": claim.day_limit,
            "birth": known.birth,
            "number": known.numbers.get(key[1], 0),
            "server": known.identity,
            "ago_s": min(time.monotonic() - known.active_at, 1e9),
            "wall": time.monotonic() - ahead_s,
            "rest_s": claim.longest_rest_s,
            "cold_start": claim.cold_start,
            **more,
        }
        try:
            return _read(await self._run("reserve", key, asked, days=claim.days, claim=claim))
        except QuotaUnavailable:
            self._owe(key, claim, asked["birth"])  # it may have been granted, and the answer lost
            raise
        except asyncio.CancelledError:
            # Whether it was granted is unknown and does not matter: it is given back either way.
            with contextlib.suppress(QuotaUnavailable):
                await uninterrupted(self._give_back(key, claim, known.birth or None))
            raise

    def _stepped(self, told: _Told, sent: float, heard: float) -> bool:
        """True if the server's clock was set since the answer before."""
        before, self._lead = self._lead, (told.server, told.now - heard, told.now - sent)
        if before is None or before[0] != told.server:
            return False
        return self._lead[1] > before[2] + STEP_NOTICED_S or self._lead[2] < before[1] - STEP_NOTICED_S

    async def _mend(self, key: CounterKey, known: Known) -> None:
        """Tells a server that forgot what this client knows of the days."""
        for counter, days in list(known.days.items()):
            await self._run("mend", (key[0], counter), {"known": list(days.values())}, days=tuple(days))

    async def _hello(self, key: CounterKey, claim: Claim) -> float:
        """Looks at a server at first contact; when version 0.1 was kept from counting this counter there, or 0.

        Raises:
            QuotaUnavailable: it may not be used as it is.
        """
        tag = f"agora-tencent-analytics:{{{key[0]}:{key[1]}}}"
        keys = [f"{tag}:slots", f"{tag}:state", *(f"{tag}:{day}" for day in claim.days)]
        asked = {"facts": not self._greeted, "days": claim.days}
        told = msgspec.json.decode(await self._link.run(keys, "hello", msgspec.json.encode(asked)))
        if not self._greeted:
            self._judge(told.get("facts") or {})
            self._greeted = True
        of_old = self._known[key[0]].days.setdefault(key[1], {})
        for day, used, spent_at in told["days"] or ():
            of_old.setdefault(day, Day()).merge(Day({_OF_VERSION_0_1: (used, 0)}, spent_at))
        if of_old:
            await self._mend(key, self._known[key[0]])
        return float(told["stopped_at"])

    def _judge(self, facts: dict[str, Any]) -> None:
        """Refuses a server that would count apart or lose; without the right to ask (INFO) nothing is known of that."""
        why = None
        if facts.get("role") == "slave":
            why = "it is a replica, which may not be written to; name the primary, or the address that leads to it"
        elif facts.get("servers", 1) > 1:
            why = "it is one of several servers of a cluster, which count apart; name a single server"
        elif facts.get("limited") and str(facts.get("policy")).startswith("allkeys") and not self._accepts_eviction:
            why = (
                f"when its memory is full it drops any key (maxmemory-policy {facts['policy']}), and the count too; "
                "set maxmemory-policy noeviction, or volatile-..., which spares the count; use another server; or "
                "accept that by RedisStore(accept_eviction=True)"
            )
        if why is not None:
            raise self._link.unusable(why)
        if facts.get("appends") == "0":
            dumps = facts.get("dumps")
            _log.log(
                logging.INFO if dumps else logging.WARNING,
                "%s keeps no append-only file: when it %s, what was sent of the day %s is forgotten unless a client "
                "lives that knows of it; set appendonly yes",
                self._link.place,
                *(("crashes", "since its last dump") if dumps else ("stops", "until then")),
            )

    async def answered(
        self, key: CounterKey, claim: Claim, now: float, *, ago_s: float, late_days: tuple[int, ...] = ()
    ) -> None:
        """See `QuotaStore.answered`."""
        if self._fallback is not None and self._fallback.ended(key, claim.id, ago_s=ago_s, late_days=late_days):
            return
        asked = {"ended": [(claim.id, ago_s)], "windowed": bool(claim.windows)}
        await self._run("answered", key, asked, days=late_days, claim=claim)
        self._known.setdefault(key[0], Known()).active_at = time.monotonic()

    async def refund(self, key: CounterKey, claim: Claim) -> None:
        """See `QuotaStore.refund`."""
        if self._fallback is None or not self._fallback.ended(key, claim.id):
            await self._give_back(key, claim)

    async def _give_back(self, key: CounterKey, claim: Claim, life: str | None = None) -> None:
        """Gives back what was granted, or may have been.

        Args:
            key: the counter.
            claim: the claim.
            life: where it is not known whether the claim was granted, the birth under which it would have been counted:
                if the server has lost that since, nobody will tell it of the grant, and giving it back would take
                another's off the day.
        """
        self._owe(key, claim, life)
        await self._run("refund", key, {"life": life}, days=claim.days, claim=claim)
        self._owed.pop(claim.id, None)

    def _owe(self, key: CounterKey, claim: Claim, life: str | None) -> None:
        """Remembers to give the claim back as soon as the server can be told."""
        if len(self._owed) < _MOST_OWED:
            self._owed[claim.id] = (key, claim, life)

    async def renew(self, key: CounterKey, claim: Claim, now: float) -> None:
        """See `QuotaStore.renew`."""
        await self._run("renew", key, {}, claim=claim)

    async def refused(
        self, key: CounterKey, now: float, *, ago_s: float, hold_s: float, sent_ago_s: float, period_s: int | None
    ) -> None:
        """See `QuotaStore.refused`."""
        asked = {"ago_s": ago_s, "hold_s": hold_s, "sent_ago_s": sent_ago_s, "period_s": period_s or 0}
        await self._run("refused", key, asked)

    async def spend(self, key: CounterKey, day: int, limit: int) -> None:
        """See `QuotaStore.spend`."""
        await self._run("spend", key, {"limit": limit}, days=(day,))

    async def look(self, key: CounterKey, owner: str, days: tuple[int, ...], now: float) -> CounterState:
        """See `QuotaStore.look`."""
        return _read(await self._run("look", key, {"owner": owner}, days=days)).state

    async def _come_back(self, key: CounterKey, fallback: Fallback, away: Away | None) -> None:
        while away is not None:
            gather_s = self._gather_s + away.longest_rest_s if away.first else 0
            in_flight = [" ".join(claim.slot) for claim in away.in_flight]
            asked = {"known": list(away.days.values()), "in_flight": in_flight, "gather_s": gather_s}
            await self._run("back", key, asked, days=tuple(away.days))
            fallback.told(key, away)
            self._known.setdefault(key[0], Known()).hear(key[1], list(away.days.items()))
            if away.first:
                count = sum(day.used for day in away.days.values())
                _log.info("%s: the quota store is back, and has been told of %d requests", key[1], count)
            away = fallback.away(key)

    async def _run(
        self,
        step: str,
        key: CounterKey,
        asked: dict[str, Any],
        *,
        days: tuple[int, ...] = (),
        claim: Claim | None = None,
    ) -> Any:
        common = {**self._always, "counter": key[1], "days": days}
        if claim is not None:
            long = [{**msgspec.structs.asdict(room), "step_s": room.step_s} for room in claim.long]
            common |= {"owner": claim.owner, "id": claim.id, "long": long, "steps": claim.steps}
        tag = f"agora-tencent-analytics:{{{key[0]}}}"
        keys = [tag, f"{tag}:{key[1]}", f"{tag}:{key[1]}:ends"]
        return await self._link.run(keys, step, msgspec.json.encode({**common, **asked}))
