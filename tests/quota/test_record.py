"""What a loss looks like, case by case; the random ones are in `test_losses.py`."""

from __future__ import annotations

from typing import Any

import pytest

from agora_tencent_analytics.quota.record import Account, Day, Known, Record, forget_days, meet
from agora_tencent_analytics.quota.store import Claim, Room

NOW = 1_790_000_000.0
ROOM = Room(limit=9, free=9, period_s=1, rest_s=1.04)


def account(**facts: Any) -> Account:
    told = {"birth": "b", "identity": "here", "rests_from": NOW - 900, "lost": False, "counters": ["lists"], **facts}
    return Account(**told)


def record(**facts: Any) -> Record:
    return Record(**{"mark": "b", "number": 5, "slots": 2, "granted_at": NOW - 1, **facts})


def met(
    of: Account | None, found: Record | None, known: Known | None = None, *, slots: int = 2, steady: float | None = None
) -> tuple[Account, str | None]:
    return meet(
        of,
        found,
        counter="lists",
        known=known or Known(),
        claim=Claim(id="new", owner="me", windows=(ROOM,), steady=steady),
        now=NOW,
        identity="here",
        slots=slots,
    )


def test_what_agrees_is_whole() -> None:
    known = Known(birth="b", identity="here", numbers={"lists": 5})
    assert (account(), None) == met(account(), record(), known)
    assert (account(steady=3.9), None) == met(account(steady=3.0), record(), known, steady=3.9), "clocks drift"


def test_a_counter_that_was_never_used_is_no_loss_in_an_account_that_is_whole() -> None:
    assert (account(counters=[]), None) == met(account(counters=[]), None, slots=0)


@pytest.mark.parametrize(
    ("of", "found", "known", "slots", "why"),
    [
        (None, None, Known(), 0, "empty"),
        (None, None, Known(birth="b"), 0, "does not know this account"),
        (None, record(), Known(), 2, "does not know this account"),
        (account(identity="there"), record(), Known(), 2, "another one"),
        (account(), None, Known(), 0, "lost a counter"),
        (account(), record(mark="a"), Known(), 2, "not of its time"),
        (account(counters=[]), record(), Known(), 2, "not of its time"),
        (account(), record(), Known(), 1, "lost slots"),
        (account(), record(), Known(birth="b", numbers={"lists": 6}), 2, "some time ago"),
        (account(), record(granted_at=NOW + 6), Known(), 2, "set back"),
        (account(steady=3.0), record(), Known(), 2, "clock was set"),
    ],
)
def test_each_loss_is_noticed_and_the_account_is_born_anew(
    of: Account | None, found: Record | None, known: Known, slots: int, why: str
) -> None:
    after, said = met(of, found, known, slots=slots, steady=60.0)
    assert why in str(said)
    assert ("new", NOW, why != "empty") == (after.birth, after.rests_from, after.lost)


def test_a_client_that_knows_another_birth_proves_that_something_was_lost() -> None:
    after, why = met(account(), record(), Known(birth="a", identity="here", active_at=NOW - 1))
    assert (None, True, NOW - 900) == (why, after.lost, after.rests_from)


@pytest.mark.parametrize(("ago_s", "from_s"), [(1.0, 1.0), (40.0, 40.0), (1_000.0, 900.0), (-5.0, 0.0)])
def test_a_client_that_was_served_elsewhere_has_it_rest_from_when_that_ended(ago_s: float, from_s: float) -> None:
    after, _ = met(account(), record(), Known(birth="a", identity="there", active_at=NOW - ago_s))
    assert (True, NOW - from_s) == (after.lost, after.rests_from)


def test_whoever_says_that_nothing_was_sent_is_held_by_a_loss_alone() -> None:
    claim = Claim(id="c", owner="me", windows=(ROOM,))
    born = account(rests_from=NOW)
    assert 0.0 == born.rests_s(NOW, claim, 1.0)
    born.lost = True
    assert pytest.approx(2.04) == born.rests_s(NOW, claim, 1.0)


def test_each_adds_to_the_day_what_is_missing_in_whichever_order_they_tell() -> None:
    told = [Day({"a": (5, 1)}), Day({"a": (8, 2), "b": (3, 0)}), Day({"b": (4, 0)}, spent_at=2)]
    for turn in range(3):
        day = Day({"c": (1, 0)})
        for one in [*told[turn:], *told[:turn], *told]:
            day.merge(one)
        assert (6 + 4 + 1, 2) == (day.used, day.spent_at)


def test_answers_that_overtook_each_other_are_told_again() -> None:
    known = Known()
    known.learn("a", "here", "lists", 1, asked_as="")
    known.learn("b", "here", "lists", 1, asked_as="a")
    known.learn("a", "here", "lists", 2, asked_as="a")
    assert known.birth not in ("a", "b")


def test_days_that_are_long_over_are_forgotten_by_the_oldest_that_is_charged() -> None:
    days = {day: Day() for day in (1, 93, 94, 100, 9_000)}
    forget_days(days, 100)
    assert [94, 100, 9_000] == list(days)
