"""`IncompleteScan` is an exception group that keeps its failures and its report, whatever is done with it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from agora_tencent_analytics import AnalyticsError, IncompleteScan, NotFound, TransportError, VendorFault, scan
from agora_tencent_analytics.scan import Failure, Report, VendorReport
from agora_tencent_analytics.simulator import Refuse, When
from tests.support.simulated_scans import WHOLE, Vendors
from tests.support.virtual_time import run


def incomplete() -> IncompleteScan:
    errors: list[AnalyticsError] = [
        NotFound(vendor="agora", code="404", message="gone"),
        TransportError("cut", endpoint="call/lists", phase="read", timed_out=False),
        VendorFault(vendor="agora", code="500", message="busy"),
    ]
    failures = [Failure(vendor="agora", step="calls", error=error) for error in errors]
    report = Report(vendors={"agora": VendorReport(failures=failures)})
    return IncompleteScan("not everything", errors, failures=failures, report=report)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_it_survives_copies_and_pickles(again: Any) -> None:
    error = again(incomplete())
    assert isinstance(error, IncompleteScan)
    assert str(incomplete()) == str(error)
    assert [NotFound, TransportError, VendorFault] == [type(one) for one in error.exceptions]
    assert [id(failure.error) for failure in error.failures] == [id(one) for one in error.exceptions]
    assert not error.report.complete
    part = error.subgroup(VendorFault)
    assert isinstance(part, IncompleteScan)
    assert ["500"] == [vars(failure.error)["code"] for failure in part.failures]


def test_split_keeps_to_each_part_its_failures_and_the_report() -> None:
    whole = incomplete()
    refused, rest = whole.split((NotFound, VendorFault))
    assert isinstance(refused, IncompleteScan)
    assert isinstance(rest, IncompleteScan)
    assert [NotFound, VendorFault] == [type(failure.error) for failure in refused.failures]
    assert [TransportError] == [type(failure.error) for failure in rest.failures]
    assert whole.report is refused.report is rest.report


def test_except_star_sorts_it_and_plain_except_takes_it() -> None:
    caught: list[Any] = []
    try:
        raise incomplete()
    except* NotFound as group:
        caught.append(group)
    except* AnalyticsError as group:
        caught.append(group)
    assert [1, 2] == [len(group.failures) for group in caught]
    with pytest.raises(AnalyticsError):
        raise incomplete()


def test_it_needs_something_that_went_wrong() -> None:
    with pytest.raises(ValueError, match="non-empty"):
        IncompleteScan("nothing", [])


def test_a_scan_raises_it_with_all_that_failed_so_far() -> None:
    vendors = Vendors()
    call = vendors.world.call_at("agora", 4)
    about = When(endpoint="call/sessions", predicate=lambda arrival: arrival.facts.get("call_id") == call.call_id)
    seen: list[Any] = []

    async def scenario() -> None:
        provider = vendors.agora(faults=[Refuse(code=400, message="no", when=about)])
        try:
            async with scan(provider, over=WHOLE, on_error="raise") as records:
                async for _ in records:
                    pass
        except* AnalyticsError as group:
            seen.append(group)

    run(scenario)
    (error,) = seen
    assert isinstance(error, IncompleteScan)
    assert [call.call_id] == [failure.call_id for failure in error.failures]
    assert call.call_id in str(error)
    assert error.report.vendors["agora"].requests
