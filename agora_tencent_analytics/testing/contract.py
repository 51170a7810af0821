"""`ProviderContract`: what is true of every provider, as tests that an author runs against the vendor's own answers."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from functools import cached_property, partial, wraps
from operator import attrgetter
from typing import Any, ClassVar
from unittest import TestCase

import anyio
import attrs

from agora_tencent_analytics import errors
from agora_tencent_analytics.message import Request, Response
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.metrics import METRICS
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.certificate import Certificate
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Question, theirs
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.quota.clock import Clock
from agora_tencent_analytics.quota.quota import Quota
from agora_tencent_analytics.scan import scan
from agora_tencent_analytics.testing.servers import Answer, InProcess, on_loopback, shifted
from agora_tencent_analytics.testing.virtual_time import VirtualClock, run
from agora_tencent_analytics.timerange import TimeRange

_HOUR_S = 3_600
_FEW = 2
"""Calls to a page, where the size of pages is asked for: so that there are several."""
_MOST_REQUESTS = 120
_FOR_EVER = 1_000
"""So many requests for one listing are too many."""
_raises = TestCase().assertRaises
_KEY = attrgetter("session_id", "peer_id", "vendor_metric")


def _in_virtual_time(test: Callable[[Any], Coroutine[Any, Any, None]]) -> Callable[[ProviderContract], None]:
    """The test as a plain function, which plays in no time."""
    return wraps(test)(lambda contract: run(test, contract))


class ProviderContract:
    """Tests that every provider must pass. Subclass it, and say what the vendor holds and answers."""

    over: ClassVar[TimeRange]
    """A range within one window of the listing, which holds three calls at least."""
    call_ids: ClassVar[Collection[str]]
    """Ids of all calls that the vendor lists for it."""
    now: ClassVar[float] = 0.0
    """The time at which the tests play, epoch seconds; 0: an hour after `over`, or after its last day where whole days
    are asked for."""
    empty: ClassVar[TimeRange | None] = None
    """A range without calls; None: the hour before the hour before `over`."""
    secrets: ClassVar[Sequence[str]] = ()
    """The secrets that the provider is made with: none of them may be seen anywhere."""
    refusal: ClassVar[Response | None] = None
    """How the vendor refuses with status 200, if it does."""

    def provider(self, **options: Any) -> Provider:
        """A provider with these options handed on: `transport`, `quota` and `base_url` among them."""
        raise NotImplementedError("a contract needs provider(**options)")

    def answer(self, request: Request, now: float) -> Response:
        """What the vendor's server says to a request that arrives at `now` (epoch seconds)."""
        raise NotImplementedError("a contract needs answer(request, now)")

    # -- the tables ---------------------------------------------------------------------------------------------

    def test_every_row_is_of_this_vendor_and_says_where_it_was_read(self) -> None:
        """Rows are of the vendor, in the plan, and their keys are attributes of their model."""
        provider, _ = self._made()
        assert provider.endpoints, "`endpoints` names the rows behind the neutral questions"
        for row in provider.endpoints:
            fields = {field.name for field in attrs.fields(row.model)}
            assert row.vendor == provider.name, f"{row.name} is a row of {row.vendor}"
            assert row.source.startswith("https://"), f"{row.name} does not say where it was read"
            assert len(row.read_on) == len("2026-11-29"), f"{row.name} does not say when it was read"
            assert fields.issuperset(row.key), f"{row.name} has keys that its model lacks"
            limits = provider.limits(row)
            assert limits.counted, f"{row.name} is not limited: no vendor allows any number of requests"

    # -- listings -----------------------------------------------------------------------------------------------

    def test_every_call_is_listed_once_and_the_certificate_says_so(self) -> None:
        """Totals, order and `has_more` are as the rows declare, so nothing speaks against completeness."""
        calls, certificate, sent = self._listed()
        self._assert_whole(calls, certificate)
        told = all(question.part is None for question in self._asked)  # else more than `over` has to be asked for
        assert not told or not certificate.strange, "the vendor, or the provider, lists calls that were not asked for"
        assert sent < _FOR_EVER

    def test_records_are_of_the_kinds_that_they_must_be(self) -> None:
        """Ids are texts, times are whole epoch seconds, and the vendor is named."""
        for call in self._listed()[0]:
            kinds = tuple(map(type, (call.vendor, call.call_id, call.channel, call.created_ts)))
            assert kinds == (str, str, str, int), f"{call} has attributes of other kinds: {kinds}"
            assert type(call.destroyed_ts) in (int, type(None)), f"{call} ends at {call.destroyed_ts!r}"
            assert call.created_ts < self.over.end, f"{call} begins after the range that was asked for"

    @_in_virtual_time
    async def test_a_listing_goes_on_from_a_cursor_in_another_process(self) -> None:
        """A fresh provider reads what is left, and no page again."""
        provider, server = self._made()
        pages = [page async for page in self._calls(provider).pages()]
        half = (len(pages) - 1) // 2
        other, server_of_other = self._made(clock=server.clock)
        rest = await self._calls(other, cursor=pages[half].cursor).collect()
        assert len(server_of_other.sent) <= max(1, len(server.sent) - 1), "it was begun from the start"
        before = [call for page in pages[: half + 1] for call in page.items]
        self._assert_all([*before, *rest], "from the cursor on, calls are missing or come again")

    def test_a_channel_is_all_that_is_listed_if_one_is_asked_for(self) -> None:
        """The filter is applied, by the vendor or by the protocol."""
        calls, _, _ = self._listed()
        channel = calls[0].channel
        if channel:
            narrowed, certificate, _ = self._listed(channel=channel)
            assert certificate.complete, certificate.why
            same = [call for call in calls if call.channel == channel]
            told = f"{errors.counted(len(same), 'call')}, and {len(narrowed)} came"
            assert same == narrowed, f"channel {channel!r} has {told}"

    def test_an_empty_account_is_complete_and_empty(self) -> None:
        """An answer without rows is an answer."""
        hours = TimeRange(self.over.start - 2 * _HOUR_S, self.over.start - _HOUR_S)
        calls, certificate, _ = self._listed(over=self.empty or hours)
        assert (calls, certificate.complete) == ([], True), certificate.why

    def test_a_page_that_repeats_ends_and_is_not_complete(self) -> None:
        """A vendor that answers the first page for ever is found out."""
        _, _, sent = self._listed()
        first: list[Response] = []

        def repeating(request: Request, now: float) -> Response:
            first.append(first[0] if first else self.answer(request, now))
            return first[-1]

        calls, certificate, again = self._listed(repeating)
        assert again < _FOR_EVER, "the walk did not come to an end"
        missing = {*self.call_ids} - {call.call_id for call in calls}
        told = f"complete, and {errors.counted(len(missing), 'call is', 'calls are')} missing"
        assert sent == 1 or not missing or not certificate.complete, told

    # -- about calls --------------------------------------------------------------------------------------------

    @_in_virtual_time
    async def test_sessions_are_of_the_call_and_of_the_users_that_were_asked_for(self) -> None:
        """And they come the same whether all or some were asked for."""
        provider, _ = self._made()
        call, people = await self._call_with_people(provider)
        if not people:
            return
        assert {call.call_id} == {one.call_id for one in people}
        listing = provider.sessions(call)
        await listing.collect()
        read_once = call.finished and len(listing.certificate.windows) == 1
        doubled = listing.certificate.duplicates if read_once else 0
        assert not doubled, f"{doubled} rows share an id with others of call {call.call_id}"
        assert listing.certificate.complete, listing.certificate.why
        user = people[0].user_id
        if user:
            mine = await provider.sessions(call, users=[user]).collect()
            assert [one for one in people if one.user_id == user] == mine, f"other sessions came of user {user!r}"

    @_in_virtual_time
    async def test_series_are_of_the_sessions_that_were_asked_for(self) -> None:
        """Each once, its points in order of time."""
        provider, _ = self._made()
        call, people = await self._call_with_people(provider)
        if not people or not _answers(provider, "metrics"):
            return
        listing, mine = provider.metrics(call, people[-1:]), theirs(people[-1:])
        series: list[MetricSeries] = await listing.collect()
        everybodys = await provider.metrics(call, people).collect()
        asked = [question.row.points for question in listing.questions(self._now)]
        declared = {metric for points in asked if points is not None for metric in points.metrics}
        missing = declared.difference(one.vendor_metric for one in everybodys if len(one))
        assert not missing, f"no series came of {min(missing)!r}: it is misspelt, or the answers should have it"
        for one in series:
            own = one.metric in METRICS or one.metric.startswith(f"{provider.name}.") or not one.metric
            assert own, f"{one.metric!r} is not in METRICS: call it {provider.name}.{one.metric}"
            assert mine(one)
            assert list(one.times) == sorted(set(one.times)), one
        keys = set(map(_KEY, series))
        assert len(keys) == len(series), "a series comes in pieces: hand `merge=join_series` to ask_about"
        assert keys or not declared, f"no series came of session {people[-1].session_id!r}"
        together = {_KEY(one) for one in everybodys if mine(one)}
        assert together == keys, "of a session other series come alone than with those of the others"

    def test_what_cannot_be_asked_is_refused_before_anything_is_sent(self) -> None:
        """Calls of others, ranges that are none, and questions that the vendor does not answer."""
        provider, server = self._made()
        for name in ("sessions", "metrics", "events"):
            answered = _answers(provider, name)
            call = Call(vendor="another" if answered else provider.name, call_id="c", created_ts=self.over.start)
            about = [call] if name == "sessions" else [call, []]
            _raises(errors.BadInput if answered else errors.NotOffered, getattr(provider, name), *about)
        _raises(errors.BadInput, provider.calls, (1, 2))
        _raises(errors.BadInput, provider.calls, self.over, cursor="not a cursor")
        assert server.sent == [], "something was sent"

    @_in_virtual_time
    async def test_a_scan_reads_everything_and_its_report_says_so(self) -> None:
        """Every call, as deep as the provider answers."""
        provider, _ = self._made()
        depth: Any = next((depth for depth in ("metrics", "sessions") if _answers(provider, depth)), "calls")
        async with scan(provider, over=self.over, depth=depth) as records:
            found = {record.call.call_id async for record in records}
        assert set(self.call_ids) == found
        assert records.report.complete, records.report

    # -- refusals -----------------------------------------------------------------------------------------------

    def test_statuses_become_the_errors_that_they_are(self) -> None:
        """401, 403, 429 and 5xx, whatever the body."""
        refused: dict[int, tuple[type[errors.AnalyticsError], ...]] = {
            401: (errors.NotAuthenticated,),
            403: (errors.NotPermitted, errors.NotAuthenticated),
            429: (errors.RateLimited,),
            **dict.fromkeys((500, 503), (errors.VendorFault,)),
        }
        for status, kinds in refused.items():
            for body in (b"", b"{}", b"<html>no</html>"):
                self._error(Response(status=status, headers={}, body=body), *kinds)

    def test_a_body_that_is_no_answer_is_never_an_empty_listing(self) -> None:
        """Neither an object without rows, nor a page of a gateway, nor half of an answer."""
        for body in (b"{}", b"", b"null", b"<html>", b'{"error": "broken"}', b'{"'):
            self._error(Response(status=200, headers={}, body=body), errors.Refusal, errors.UnreadableReply)

    def test_a_refusal_with_status_200_is_a_refusal(self) -> None:
        """Where a vendor puts its errors into good answers."""
        if self.refusal is not None:
            self._error(self.refusal, errors.Refusal)

    def test_a_vendor_that_is_busy_or_broken_for_a_moment_costs_a_moment(self) -> None:
        """429 with and without a header, and 503: asked again, and nothing is missing."""
        for status, headers in ((429, {"retry-after": "2"}), (429, {}), (503, {})):
            once = iter([Response(status=status, headers=headers, body=b"{}")])
            calls, certificate, _ = self._listed(lambda *asked, once=once: next(once, None) or self.answer(*asked))
            self._assert_whole(calls, certificate, f"after HTTP {status}")

    # -- secrets ------------------------------------------------------------------------------------------------

    def test_secrets_are_seen_nowhere(self) -> None:
        """Not in reprs, errors, logs or pickles, though the vendor repeats all that it was sent."""

        def echo(request: Request, now: float) -> Response:
            body = f"{request.url} {dict(request.headers)} {request.body!r}".encode()
            return Response(status=400, headers={}, body=body)

        with TestCase().assertLogs("agora_tencent_analytics", logging.DEBUG) as heard:
            error = self._error(echo)
            provider, server = self._made()
            run(self._calls(provider).collect)
        logged = [f"{record.getMessage()} {vars(record)}" for record in heard.records]
        seen = [repr(provider), str(error), repr(error), repr(vars(error)), *logged, *map(repr, server.sent)]
        for secret in self.secrets:
            assert not any(secret in text for text in seen), "a secret is seen"
        _raises(TypeError, pickle.dumps, provider)

    # -- limits, loops and sockets --------------------------------------------------------------------------------

    @_in_virtual_time
    async def test_the_vendor_is_never_asked_faster_than_its_plan_allows(self) -> None:
        """Several listings at once, counted by fixed and by sliding windows: no request is refused."""
        provider, server = self._made()
        server.rates = self._counted(provider)

        async def ask() -> None:
            while len(server.sent) < _MOST_REQUESTS:
                await self._calls(provider).collect()

        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(ask)
        assert server.refused == 0, f"{server.refused} of {len(server.sent)} requests were refused"

    def test_one_provider_serves_one_loop_after_the_other_over_sockets(self) -> None:
        """The same answers on loopback, in two event loops."""
        clock = shifted(self._now)

        async def listed(provider: Provider) -> list[Call]:
            async with provider:
                return await provider.calls(self.over).collect()

        with on_loopback(self.answer, clock) as base_url:
            quota = Quota("contract", store=":memory:", clock=clock, cold_start=False)
            provider = self.provider(base_url=base_url, quota=quota)
            for _ in range(2):
                self._assert_all(asyncio.run(listed(provider)))

    # -- how they are run -----------------------------------------------------------------------------------------

    @cached_property
    def _asked(self) -> Sequence[Question]:
        provider, _ = self._made(clock=Clock())
        return provider.calls(self.over).questions(self.over.end)

    @cached_property
    def _now(self) -> float:
        return self.now or max(question.over[-1].end for question in self._asked) + _HOUR_S

    def _made(self, answer: Answer | None = None, *, clock: Clock | None = None) -> tuple[Provider, InProcess]:
        server = InProcess(answer or self.answer, clock or VirtualClock(self._now).clock)
        quota = Quota("contract", store=":memory:", clock=server.clock)
        return self.provider(transport=server, quota=quota), server

    def _counted(self, provider: Provider) -> dict[str, Any]:
        return {row.name: (row.counter, provider.limits(row).counted) for row in provider.endpoints}

    def _calls(self, provider: Provider, *, over: TimeRange | None = None, **options: Any) -> Any:
        ask = partial(provider.calls, over or self.over, **options)
        listing = ask()
        sized = all(getattr(question.row.paging, "size", "") for question in listing.questions(self._now))
        return ask(page_size=_FEW) if sized else listing

    def _listed(self, answer: Answer | None = None, **options: Any) -> tuple[list[Call], Certificate, int]:
        async def listed() -> tuple[list[Call], Certificate, int]:
            provider, server = self._made(answer)
            listing: Paginator[Call] = self._calls(provider, **options)
            return await listing.collect(), listing.certificate, len(server.sent)

        return run(listed)

    def _assert_whole(self, calls: Iterable[Call], certificate: Certificate, when: str = "") -> None:
        self._assert_all(calls, when)
        assert certificate.complete, certificate.why

    def _assert_all(self, calls: Iterable[Call], when: str = "") -> None:
        found = sorted(call.call_id for call in calls)
        assert sorted(self.call_ids) == found, when or "calls are missing, strange or doubled"

    def _error(self, said: Response | Answer, *kinds: type[errors.AnalyticsError]) -> errors.AnalyticsError:
        try:
            calls, certificate, _ = self._listed(said if callable(said) else lambda *_: said)
        except errors.AnalyticsError as error:
            if kinds and not isinstance(error, kinds):
                answer = f"HTTP {said.status} with {said.body!r}" if isinstance(said, Response) else "it"
                raise AssertionError(f"{answer} became {error!r}") from error
            return error
        came = errors.counted(len(calls), "call")
        raise AssertionError(f"{came} came, and the certificate says {certificate.why or 'complete'!r}")

    async def _call_with_people(self, provider: Provider) -> tuple[Call, list[Session]]:
        calls: list[Call] = await self._calls(provider).collect()
        assert calls, "the range holds no call"
        calls.sort(key=lambda call: not call.finished)
        for call in calls if _answers(provider, "sessions") else ():
            if people := await provider.sessions(call).collect():
                return call, people
        return calls[0], []


def _answers(provider: Provider, name: str) -> bool:
    own = getattr(type(provider), name) is not getattr(Provider, name)
    return own or (name == "sessions" and any(row.sessions_key for row in provider.endpoints))
