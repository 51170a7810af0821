"""One ask: slots, signatures, pauses, refusals and deadlines, in virtual time."""

from __future__ import annotations

import asyncio
import pickle
import traceback
from typing import Any

import pytest

from agora_tencent_analytics import (
    AgoraCredentials,
    Asked,
    Call,
    DailyQuotaExhausted,
    NotAuthenticated,
    NotPermitted,
    ProviderClosed,
    Rate,
    RateLimited,
    Reply,
    Response,
    Retry,
    TencentCredentials,
    Timeouts,
    TransportError,
    UnreadableReply,
    Vendor,
    VendorFault,
    WouldExceedQuota,
)
from agora_tencent_analytics.agora.wire import AgoraVendor
from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.limits import DAY, SECOND
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.store import Claim, CounterKey, CounterState
from agora_tencent_analytics.simulator import SimulatedTencent, World
from agora_tencent_analytics.tencent.wire import TencentVendor
from tests.support.client_bench import BAD_GATEWAY, GOOD, QPD, QPS, ROOMS, SECRET, TRC, Bench, broken
from tests.support.transports import InProcess, json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run

# --- attempts and slots -----------------------------------------------------------------------------------


def test_a_good_answer_costs_one_request_and_one_slot() -> None:
    bench = Bench(GOOD)
    reply, body = bench.asks()
    assert (0, GOOD.body) == (reply.total, body)
    assert (1, 1, 0, 0) == (bench.spent, bench.caller.receipts[0].requests, bench.caller.receipts[0].retries, 0)


@pytest.mark.parametrize("failure", [BAD_GATEWAY, broken(), json_response("<html>"), json_response("[1]")])
def test_each_attempt_takes_a_slot_of_its_own(failure: Response | Exception) -> None:
    bench = Bench(failure, failure, GOOD)
    bench.asks()
    assert (3, 3, 2) == (bench.spent, bench.caller.receipts[0].requests, bench.caller.receipts[0].retries)
    assert 3 == bench.keys


@pytest.mark.parametrize(("jitter", "share"), [(0.0, 0.5), (0.5, 0.75), (1.0, 1.0)])
def test_pauses_double_and_keep_between_half_and_all_of_their_length(jitter: float, share: float) -> None:
    bench = Bench(BAD_GATEWAY, jitter=jitter, script={"delay_s": 0.0}, retry=Retry(attempts=7), rates=())
    bench.fails(VendorFault)
    assert [share * pause for pause in (0.5, 1, 2, 4, 8, 8)] == pytest.approx(bench.pauses, abs=1e-6)


def test_when_the_attempts_are_used_up_the_last_failure_is_raised() -> None:
    last = broken()
    bench = Bench(BAD_GATEWAY, BAD_GATEWAY, BAD_GATEWAY, last, GOOD)
    assert last is bench.fails(TransportError)
    assert (4, 4, 3) == (bench.spent, len(bench.script.sent), bench.caller.receipts[0].retries)


@pytest.mark.parametrize(
    "answer",
    ['{"code":400,"message":"no"}', '{"code":401}', '{"code":404}', '{"code":300,"message":"no auth"}', '{"code":777}'],
)
def test_what_cannot_get_better_is_asked_once(answer: str) -> None:
    bench = Bench(json_response(answer), GOOD)
    bench.fails(Exception)
    assert 1 == len(bench.script.sent)


def test_every_attempt_is_signed_anew_at_its_own_moment() -> None:
    bench = Bench(
        BAD_GATEWAY, BAD_GATEWAY, ROOMS, vendor=TencentVendor("ap-singapore"), retry=Retry(first_s=2), rates=()
    )
    bench.asks()
    stamps = [int(request.headers["X-TC-Timestamp"]) for request in bench.script.sent]
    assert [int(EPOCH + at - bench.script.sent_at[0]) for at in bench.script.sent_at] == stamps
    assert 3 == len({request.headers["Authorization"] for request in bench.script.sent})
    assert ["token-1", "token-2", "token-3"] == [request.headers["X-TC-Token"] for request in bench.script.sent]
    assert 1 == len({request.body for request in bench.script.sent})


# --- rates ------------------------------------------------------------------------------------------------


def test_a_refusal_for_the_second_holds_the_bucket_and_is_asked_again_once() -> None:
    bench = Bench(QPS, GOOD)

    async def scenario() -> None:
        first = asyncio.ensure_future(bench.ask())
        await asyncio.sleep(0.06)  # refused by now
        await asyncio.gather(first, bench.ask(), bench.ask())

    run(scenario)
    receipt = bench.caller.receipts[0]
    assert (4, 4, 1, 1) == (bench.spent, receipt.requests, receipt.retries, receipt.limit_errors)
    assert bench.script.sent_at[1] - bench.script.sent_at[0] >= 1.0, "nobody may send while the bucket is held"


def test_too_many_requests_obeys_retry_after() -> None:
    bench = Bench(json_response("", status=429, retry_after="7"), GOOD)
    bench.asks()
    assert 7.0 <= bench.pauses[0] <= 7.2


def test_retry_after_beyond_the_limit_is_raised_at_once() -> None:
    bench = Bench(json_response("", status=429, retry_after="61"), GOOD)
    refused = bench.fails(RateLimited)
    assert (61.0, 1) == (refused.retry_after_s, len(bench.script.sent))


def test_retry_after_beyond_the_limit_holds_nobody_for_longer_than_the_limit() -> None:
    bench = Bench(json_response("", status=429, retry_after="3600"), GOOD)

    async def scenario() -> None:
        with pytest.raises(RateLimited):
            await bench.ask()
        await bench.ask()

    run(scenario)
    assert [pytest.approx(60.0, abs=0.2)] == bench.pauses


def test_a_date_as_retry_after_counts_from_the_answers_own_date() -> None:
    bench = Bench(
        json_response(
            "", status=429, retry_after="Mon, 21 Sep 2026 14:13:25 GMT", date="Mon, 21 Sep 2026 14:13:20 GMT"
        ),
        GOOD,
    )
    bench.asks()
    assert 5.0 <= bench.pauses[0] <= 5.2


def test_a_refusal_for_the_day_ends_the_day_without_another_request() -> None:
    bench = Bench(QPD, GOOD)
    spent = bench.fails(DailyQuotaExhausted)
    midnight = (EPOCH // DAY + 1) * DAY
    assert (midnight, "call/lists", 1) == (spent.resets_at, spent.endpoint, len(bench.script.sent))
    assert isinstance(spent.__cause__, RateLimited)
    assert ("r-9", "day", 1) == (spent.__cause__.request_id, spent.__cause__.per, bench.caller.receipts[0].limit_errors)

    async def ask_again() -> None:
        await bench.ask()

    with pytest.raises(DailyQuotaExhausted):
        run(ask_again)
    assert 1 == len(bench.script.sent)


def test_a_refusal_for_the_day_after_other_failures_ends_the_day_all_the_same() -> None:
    bench = Bench(BAD_GATEWAY, BAD_GATEWAY, BAD_GATEWAY, QPD, GOOD)
    bench.fails(DailyQuotaExhausted)
    assert 4 == len(bench.script.sent)


def test_a_refusal_for_the_day_is_raised_as_it_is_where_no_rate_is_known() -> None:
    bench = Bench(QPD, GOOD, rates=())
    assert "day" == bench.fails(RateLimited).per
    assert 1 == len(bench.script.sent)


def test_a_refusal_for_yesterday_read_today_is_asked_again_today() -> None:
    late = VirtualClock((EPOCH // DAY + 1) * DAY - 2.0)
    bench = Bench(QPD, GOOD, clock=late, script={"body_s": 20.0})
    bench.asks()
    assert 2 == len(bench.script.sent)


def test_a_vendor_that_calls_every_day_spent_is_not_asked_for_ever() -> None:
    late = VirtualClock((EPOCH // DAY + 1) * DAY - 2.0)
    bench = Bench(QPD, clock=late, script={"delay_s": DAY * 1.0})
    with pytest.raises((DailyQuotaExhausted, RateLimited)):
        bench.asks()
    assert len(bench.script.sent) <= 3


def test_the_day_of_our_own_count_is_never_exceeded() -> None:
    bench = Bench(GOOD, rates=(Rate(4, DAY),))

    async def scenario() -> list[BaseException | tuple[Reply[Any], bytes]]:
        return await asyncio.gather(*(bench.ask() for _ in range(9)), return_exceptions=True)

    results = run(scenario)
    assert 3 == len(bench.script.sent), "N - 1 of the vendor's N"
    assert 6 == sum(isinstance(result, DailyQuotaExhausted) for result in results)


# --- patience ---------------------------------------------------------------------------------------------


def test_no_patience_sends_nothing_when_no_slot_is_free() -> None:
    bench = Bench(GOOD, rates=(Rate(1, SECOND),))

    async def scenario() -> None:
        await bench.ask(max_wait=0)
        with pytest.raises(WouldExceedQuota) as refused:
            await bench.ask(max_wait=0)
        assert EPOCH + 1 <= refused.value.retry_at <= EPOCH + 1.2
        await asyncio.sleep(1.2)
        await bench.ask(max_wait=0)

    run(scenario)
    assert 2 == len(bench.script.sent)


def test_a_deadline_bounds_all_attempts_and_pauses() -> None:
    bench = Bench(BAD_GATEWAY, retry=Retry(attempts=100), timeouts=Timeouts(deadline_s=10))

    async def scenario() -> float:
        began = bench.clock.clock.monotonic()
        with pytest.raises(VendorFault):
            await bench.ask()
        return bench.clock.clock.monotonic() - began

    assert run(scenario) <= 10.0
    assert len(bench.script.sent) >= 4


def test_a_deadline_shortens_the_attempt_in_flight() -> None:
    bench = Bench(BAD_GATEWAY, GOOD, timeouts=Timeouts(deadline_s=10, total_s=60), jitter=1.0, script={"delay_s": 2.0})
    bench.asks()
    assert [10.0, 7.5] == pytest.approx([given.total_s for given in bench.script.timeouts], abs=0.01)


def test_a_deadline_ends_the_wait_for_a_slot() -> None:
    bench = Bench(GOOD, rates=(Rate(1, 60),), timeouts=Timeouts(deadline_s=10))

    async def scenario() -> None:
        await bench.ask()
        with pytest.raises(WouldExceedQuota):
            await bench.ask()

    run(scenario)
    assert 1 == len(bench.script.sent)


def test_a_deadline_that_passes_over_the_keys_sends_nothing() -> None:
    async def slow() -> AgoraCredentials:
        await asyncio.sleep(11)
        return AgoraCredentials(customer_id="id", customer_secret=SECRET)

    bench = Bench(GOOD, keys=slow, timeouts=Timeouts(deadline_s=10))
    bench.fails(WouldExceedQuota)
    assert (0, 0) == (len(bench.script.sent), bench.spent)


def test_a_deadline_that_passes_while_the_store_grants_the_slot_sends_nothing() -> None:
    class Slow(MemoryStore):
        async def reserve(self, key: CounterKey, claim: Claim, now: float) -> CounterState:
            await asyncio.sleep(0.2)
            return await super().reserve(key, claim, now)

    bench = Bench(GOOD, store=Slow(), timeouts=Timeouts(deadline_s=0.1))
    assert "deadline" in str(bench.fails(WouldExceedQuota))
    assert (0, 0, 1) == (len(bench.script.sent), bench.spent, bench.state().refunded)


def test_a_transport_that_is_closed_is_offered_nothing_and_costs_nothing() -> None:
    bench = Bench(GOOD)

    async def scenario() -> None:
        await bench.script.aclose()
        for _ in range(2):
            with pytest.raises(ProviderClosed, match="closed"):
                await bench.ask()

    run(scenario)
    assert (0, 0, 0, 0) == (len(bench.script.sent), bench.keys, bench.spent, bench.state().granted)


def test_a_transport_that_is_closed_while_the_slot_is_waited_for_costs_nothing_either() -> None:
    bench = Bench(GOOD, rates=(Rate(1, SECOND), Rate(9, DAY)))

    async def scenario() -> None:
        await bench.ask()
        waiting = asyncio.create_task(bench.ask())
        await asyncio.sleep(0.5)
        await bench.script.aclose()
        with pytest.raises(ProviderClosed, match="closed"):
            await waiting

    run(scenario)
    assert (1, 1, 1) == (len(bench.script.sent), bench.spent, bench.state().refunded)


def test_waiting_for_quota_eats_no_timeout() -> None:
    bench = Bench(GOOD, rates=(Rate(1, 60),), timeouts=Timeouts(total_s=5))

    async def scenario() -> None:
        await asyncio.gather(*(bench.ask() for _ in range(3)))

    run(scenario)
    assert [5.0] * 3 == [given.total_s for given in bench.script.timeouts]


# --- clocks and keys --------------------------------------------------------------------------------------


def test_the_vendors_clock_is_learnt_from_its_answers() -> None:
    bench = Bench(GOOD, script={"skew_s": 300.0})

    async def scenario() -> None:
        await bench.ask()
        assert 0 == bench.quota.clock.offset, "one header is a rumour"
        await asyncio.sleep(1)
        await bench.ask()

    run(scenario)
    assert 300 == pytest.approx(bench.quota.clock.offset, abs=1.1)


@pytest.mark.parametrize("ahead_s", [-900.0, 900.0])
def test_an_expired_signature_is_mended_by_the_clock_of_the_refusal(ahead_s: float) -> None:
    world = World(seed=1, calls=2, start=int(EPOCH) - 7_200, end=int(EPOCH) - 600)
    clock = VirtualClock(EPOCH + ahead_s)
    server = SimulatedTencent(
        world, plan="unlimited", clock=clock.clock.wall, monotonic=clock.clock.monotonic, skew_s=-ahead_s
    )
    known = server.credentials

    async def keys() -> TencentCredentials:
        return TencentCredentials(secret_id=known["secret_id"], secret_key=known["secret_key"])

    bench = Bench(
        GOOD,
        vendor=TencentVendor("ap-singapore"),
        clock=clock,
        keys=keys,
        transport=InProcess(server),
        app_id=known["sdk_app_id"],
    )
    bench.asks()
    assert ["AuthFailure.SignatureExpire", ""] == [arrival.code for arrival in server.arrivals]
    assert -ahead_s == pytest.approx(bench.quota.clock.offset, abs=1.1)


def signed_ahead(skew_s: float, *steps: Response) -> list[int]:
    """How far ahead of this machine's clock each of some questions, asked a second apart, was signed, in hours."""
    bench = Bench(*steps, vendor=TencentVendor("ap-singapore"), script={"skew_s": skew_s})

    async def scenario() -> None:
        for _ in range(6):
            await bench.ask()
            await asyncio.sleep(1.5)

    run(scenario)
    stamps = [int(request.headers["X-TC-Timestamp"]) for request in bench.script.sent]
    begun = bench.script.sent_at[0]
    sent = [EPOCH + at - begun for at in bench.script.sent_at]
    return [round((stamp - at) / 3_600) for stamp, at in zip(stamps, sent, strict=True)]


@pytest.mark.parametrize("hours", [30 * 24, 10 * 365 * 24, -24])
def test_no_number_of_dates_has_a_request_signed_for_another_day(hours: int) -> None:
    assert [0] * 6 == signed_ahead(hours * 3_600.0, ROOMS)


def test_two_dates_may_have_a_request_signed_for_the_same_hour() -> None:
    assert [0, 0, 1, 1, 1, 1] == signed_ahead(3_500.0, ROOMS)


def test_a_refused_signature_is_made_anew_for_the_time_of_the_refusal() -> None:
    expired = json_response(TRC % "AuthFailure.SignatureExpire")
    assert [0, 0, 24, 24, 24, 24, 24] == signed_ahead(86_400.0, ROOMS, expired, ROOMS)


@pytest.mark.parametrize("code", ["AuthFailure.SignatureExpire", "AuthFailure.TokenFailure"])
def test_a_clock_or_token_that_stays_bad_is_tried_twice_and_no_more(code: str) -> None:
    bench = Bench(json_response(TRC % code), vendor=TencentVendor("ap-singapore"))
    bench.fails(NotAuthenticated)
    assert (2, 2) == (len(bench.script.sent), bench.keys)


def test_a_failed_token_asks_for_the_keys_again() -> None:
    bench = Bench(json_response(TRC % "AuthFailure.TokenFailure"), ROOMS, vendor=TencentVendor("ap-singapore"))
    bench.asks()
    assert ["token-1", "token-2"] == [request.headers["X-TC-Token"] for request in bench.script.sent]


def test_other_refusals_of_the_keys_are_final() -> None:
    bench = Bench(json_response(TRC % "AuthFailure.SecretIdNotFound"), vendor=TencentVendor("ap-singapore"))
    assert "credentials" == bench.fails(NotAuthenticated).cause
    assert 1 == len(bench.script.sent)


def test_keys_that_cannot_be_had_cost_nothing() -> None:
    async def none() -> Any:
        raise LookupError("the vault is shut")

    bench = Bench(GOOD, keys=none)
    bench.fails(LookupError)
    assert (0, 0) == (bench.spent, len(bench.script.sent))


# --- answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["{}x", '[{"call_id":"c","created_ts":1}'])
def test_a_body_that_is_not_json_is_an_unreadable_reply_and_may_come_whole_the_next_time(rows: str) -> None:
    bench = Bench(json_response(f'{{"code":200,"call_lists":{rows}}}'))
    error = bench.fails(UnreadableReply)
    assert ("call/lists", 200) == (error.endpoint, error.status)
    assert '"code":200' in error.excerpt
    assert (4, False) == (len(bench.script.sent), error.in_rows)


NO_SENSE = pytest.mark.parametrize(
    "rows",
    ['[{"call_id":"c"}]', "[7]", '[{"call_id":"c","created_ts":{}}]', '[{"call_id":"c","created_ts":1e400},null]'],
)


@NO_SENSE
@pytest.mark.parametrize("attempts", [1, 4])
def test_an_answer_of_which_no_row_makes_sense_is_asked_for_once_more_and_then_stands(rows: str, attempts: int) -> None:
    bench = Bench(json_response(f'{{"code":200,"call_lists":{rows}}}'), retry=Retry(attempts=attempts, first_s=0.1))
    reply, _ = bench.asks()
    assert [] == reply.items
    assert rows.count("call_id") + rows.count("7") + rows.count("null") == len(reply.flaws.rows)
    assert min(attempts, 2) == len(bench.script.sent)


@NO_SENSE
def test_an_answer_of_which_no_row_makes_sense_may_make_sense_the_next_time(rows: str) -> None:
    bench = Bench(json_response(f'{{"code":200,"call_lists":{rows}}}'), GOOD)
    reply, _ = bench.asks()
    assert ([], 2) == (reply.flaws.rows, len(bench.script.sent))


@NO_SENSE
def test_an_answer_of_which_no_row_makes_sense_stands_when_the_next_attempt_fails(rows: str) -> None:
    bench = Bench(json_response(f'{{"code":200,"call_lists":{rows}}}'), json_response(b"", status=500))
    reply, _ = bench.asks()
    assert [] == reply.items
    assert reply.flaws.rows


def test_rows_beside_one_that_makes_no_sense_cost_no_request() -> None:
    bench = Bench(json_response('{"code":200,"call_lists":[null,{"call_id":"c","created_ts":1}]}'))
    reply, _ = bench.asks()
    assert (["c"], ["null"]) == ([call.call_id for call in reply.items], [lost.text for lost in reply.flaws.rows])
    assert 1 == len(bench.script.sent)


@pytest.mark.parametrize("rows", ['"text"', "{}", "0", "false"])
def test_what_is_no_list_of_rows_is_an_unreadable_reply_and_is_asked_for_once_more(rows: str) -> None:
    bench = Bench(json_response(f'{{"code":200,"call_lists":{rows}}}'))
    error = bench.fails(UnreadableReply)
    assert ("call/lists", 200) == (error.endpoint, error.status)
    assert '"code":200' in error.excerpt
    assert (2, True) == (len(bench.script.sent), error.in_rows)


class GivesIds(AgoraVendor):
    """A vendor that decodes two calls, and gives these ids."""

    def __init__(self, *ids: str) -> None:
        self._ids = ids

    def decode(self, row: Endpoint[Any], body: Any, asked: Asked) -> Reply[Any]:
        return Reply(items=[Call(vendor="agora", call_id=call, created_ts=1) for call in "ab"], ids=self._ids)


@pytest.mark.parametrize(("given", "known"), [((), ["a", "b"]), (("x", "y"), ["x", "y"])])
def test_ids_that_a_vendor_does_not_give_are_made_from_the_key_of_the_row(
    given: tuple[str, ...], known: list[str]
) -> None:
    reply, _ = Bench(GOOD, vendor=GivesIds(*given)).asks()
    assert known == list(reply.ids)


def test_another_number_of_ids_than_of_items_is_an_error_that_says_so() -> None:
    bench = Bench(GOOD, vendor=GivesIds("a"))
    assert "1 ids for 2 items" in str(bench.fails(UnreadableReply))
    assert 2 == len(bench.script.sent)


@pytest.mark.parametrize(
    "fault", [ValueError("x"), KeyError("x"), OverflowError("x"), AttributeError("x"), IndexError("x"), TypeError("x")]
)
def test_a_decoder_may_fail_in_any_ordinary_way(fault: Exception) -> None:
    class Clumsy(AgoraVendor):
        def decode(self, row: Endpoint[Any], body: Any, asked: Asked) -> Reply[Any]:
            raise fault

    assert type(fault).__name__ in str(Bench(GOOD, vendor=Clumsy()).fails(UnreadableReply))


def test_a_refusal_of_the_plan_says_so() -> None:
    answer = '{"code":300,"message":"you have no auth to access this service, please buy","requestId":"q"}'
    assert "q" == Bench(json_response(answer)).fails(NotPermitted).request_id


@pytest.mark.parametrize(
    ("vendor", "step"),
    [
        (None, json_response('{"code":401,"message":"no"}')),
        (None, json_response("<html>")),
        (None, BAD_GATEWAY),
        (None, QPD),
        (None, broken()),
        (TencentVendor("ap-singapore"), json_response(TRC % "AuthFailure.SignatureFailure")),
    ],
)
def test_no_failure_shows_a_secret(vendor: Vendor | None, step: Response | Exception) -> None:
    bench = Bench(step, vendor=vendor)
    error = bench.fails(Exception)
    encoded = "aWQ6czNjcjN0"  # how HTTP Basic spells it
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    for text in (told, repr(error), str(error), repr(error.args), repr(vars(error)), repr(bench.script.sent)):
        assert SECRET not in text
        assert encoded not in text
    assert SECRET.encode() not in pickle.dumps(error)
    assert encoded.encode() not in pickle.dumps(error)
