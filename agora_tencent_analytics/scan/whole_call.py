"""`read_whole`: the sessions of a call and their series out of one walk, where the vendor shows both together.

That spares the listing of the sessions: of a call of one or two users half of the requests. It is done where nothing
can be lost by it: the call fits one window of either question, nothing of it is hidden, it is not too large to be held
as a whole, and nothing about the answers is odd. Of any other call, and of one that turns out to be another, sessions
are listed and their series asked for as ever; so what a scan yields does not depend on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import partial
from typing import Any, NamedTuple

from agora_tencent_analytics.endpoint import AnyOf
from agora_tencent_analytics.errors import AnalyticsError
from agora_tencent_analytics.models.calls import Call, Session
from agora_tencent_analytics.models.series import MetricSeries
from agora_tencent_analytics.paging.certificate import Certificate
from agora_tencent_analytics.paging.clip import clip
from agora_tencent_analytics.paging.paginator import Paginator
from agora_tencent_analytics.paging.question import Question
from agora_tencent_analytics.paging.stays import Trail
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.job import Job
from agora_tencent_analytics.timerange import TimeRange
from agora_tencent_analytics.wire import Reply

_MOST_BYTES = 32 << 20
"""Of answers that are held."""
_NOBODY: frozenset[str] = frozenset()


class Whole(NamedTuple):
    """What a walk has shown of a call."""

    sessions: list[Session]
    """Those it has shown."""
    everybody: bool
    """False if others may be missing, and they have to be listed."""
    series: list[MetricSeries]
    """Of the users shown, as the vendor sent them."""
    users: frozenset[str]
    """The users shown, each with all series."""
    window: TimeRange
    """The window that was asked."""
    certificate: Certificate
    """Of the walk, as far as it came."""

    def of(self, sessions: Sequence[Session], apart: Paginator[MetricSeries], now: float) -> list[MetricSeries] | None:
        """The series of these sessions, as they would have come on a walk of their own; None if it asks for more.

        Args:
            sessions: of users that were shown.
            apart: that walk.
            now: the vendor's now, epoch seconds.
        """
        users = {session.user_id for session in sessions}
        series = [one for one in self.series if one.user_id in users]
        for question in apart.questions(now):
            leads_on = _leads_on(question.trail, series, self.window)
            if leads_on or any(piece.minus(self.window) for piece in question.over):
                return None
        found = apart.merged(series)
        return None if found is None else list(found)


class WholeCall(NamedTuple):
    """How a call can be read in one walk."""

    walk: Paginator[MetricSeries]
    question: Question
    listing: Question
    """What is asked where the sessions are listed."""


def whole_call(provider: Provider, call: Call, over: TimeRange | None, now: float) -> WholeCall | None:
    """How a call can be read in one walk; None if that cannot be, or costs no less.

    Args:
        provider: whom to ask.
        call: the call.
        over: only the part of it inside this range. None: the whole call.
        now: the vendor's now, epoch seconds.
    """
    walk = provider.sessions_with_metrics(call, over=over)
    if walk is None or (question := _of_one_window(walk, now)) is None:
        return None
    listing = _of_one_window(provider.sessions(call, over=over), now)
    if listing is None or listing.over != question.over:
        return None
    return WholeCall(walk, question, listing)


def _of_one_window(asked: Paginator[Any], now: float) -> Question | None:
    """What is asked, if that is one question about one window of which nothing is hidden."""
    questions = asked.questions(now)
    if len(questions) != 1 or len(questions[0].over) != 1:
        return None
    (question,), (piece,) = questions, questions[0].over
    inside = clip(piece, question.limits, now=now, endpoint="", bounds=question.row.bounds).inside
    return question if inside == piece and question.windows([piece]) == [piece] else None


async def read_whole(job: Job, worker: int, call: Call) -> Whole | None:
    """The sessions of a call and their series, or some of them; None if they have to be asked for apart.

    Args:
        job: what the scan is about.
        worker: who reads, as the bound on memory knows it.
        call: the call.

    Raises:
        AnalyticsError: nothing else could be read either.
    """
    now, over, memory = job.provider.now(), job.work.within, job.memory
    way = None if job.options.users is not None else whole_call(job.provider, call, over, now)
    if way is None:
        return None
    window = way.question.over[0]
    sessions: dict[str, Session] = {}
    series: list[MetricSeries] = []
    users, everybody = _NOBODY, True
    pages = partial(anext, way.walk.pages(), None)
    early, held, rows = copy(way.listing.trail), 0, 0
    try:
        while True:
            await memory.leave(worker)
            page = await job.next(pages)
            if page is None:
                break
            if page.window != window:  # halved, since pages contradict each other: some have points in both halves
                return None
            size = len(page.body)
            memory.came(worker, size)
            memory.hold(size)
            held += size
            before, sessions = users, {session.session_id: session for session in page.sessions} | sessions
            users, rows = frozenset(session.user_id for session in sessions.values()), rows + len(page.sessions)
            if {one.session_id or one.user_id for one in page.items} - {*sessions, *users}:
                # They have nobody next to them: a row is lost, or the list of sessions is what is missing.
                everybody, users = False, before
                break
            # Who came back stands on two pages: with all of the series on each, or not, which joining them finds out.
            series += page.items
            if early is not None:
                early.saw(Reply(items=page.sessions), window)
                if early.onward(window.end) is not None:
                    return None  # found out now, rather than when all pages are paid for
            cheaper = list_the_others(way, len(page.sessions), rows, len(users), page.total)
            if cheaper or held > _MOST_BYTES:
                everybody = False
                break
    except AnalyticsError as error:
        if job.is_hopeless(error):
            raise
        return None  # it is met again, and told, by who asks apart
    finally:
        memory.release(held)
    shown = list(sessions.values())
    if not everybody and isinstance(way.question.row.paging, AnyOf):
        return None  # it may have more of these users
    if everybody and (way.walk.verdict.clipped or not shown or _leads_on(way.listing.trail, shown, window)):
        return None
    return Whole(shown, everybody, series, users, window, way.walk.verdict)


def _leads_on(trail: Trail | None, items: Sequence[Any], window: TimeRange) -> bool:
    """True if what a window has shown says that more is to be asked, or leaves a doubt."""
    if trail is None:
        return False
    trail.saw(Reply(items=items), window)
    return trail.onward(window.end) is not None or bool(trail.doubt)


def list_the_others(way: WholeCall, page: int, rows: int, users: int, total: int | None) -> bool:
    """Whether to list the sessions after all, having seen a page of the walk.

    It costs no more where a full page seems to be the last, than to make sure. And where users come back: the walk has
    a place for each stay, a question about users named by a listing for each user; so it is listed once the walk has
    spent on stays that were not the first what a listing costs.

    Args:
        way: what is asked.
        page: rows of the page.
        rows: rows so far.
        users: users that were seen so far.
        total: the vendor's total of users.
    """
    paging = way.question.row.paging
    most = paging.most if isinstance(paging, AnyOf) else way.question.size
    if total is None:
        return page >= most
    return (page >= most and total <= users) or rows - users >= most * (1 + total // way.listing.size)
