"""Names that somebody else chose break out of nothing: query, body, header, SQL, file name, JSON, table or terminal.

The library writes no comma-separated values, so there is no formula to inject; what it reads of them is fuzzed.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agora_tencent_analytics import (
    AgoraProvider,
    BadInput,
    Call,
    Columns,
    MetricSeries,
    NotFound,
    Quota,
    Session,
    TencentProvider,
    TimeRange,
)
from agora_tencent_analytics.cli import main
from agora_tencent_analytics.cli.console import PlainConsole
from agora_tencent_analytics.cli.rich_console import RichConsole
from agora_tencent_analytics.cli.tables import SPENT, WORST, results, vendor_rows, warnings, worst_rows
from agora_tencent_analytics.endpoint import check_params, spell
from agora_tencent_analytics.models.calls import unsigned
from agora_tencent_analytics.scan import CallRecord, Failure, Report, VendorReport
from agora_tencent_analytics.scan.json_lines import encode, record_pieces
from agora_tencent_analytics.scan.worst_calls import Worst
from tests.fuzz.samples import ROWS, VENDORS, sample
from tests.support.transports import Script, json_response
from tests.support.virtual_time import EPOCH, VirtualClock, run

NASTY = (
    *("a&appid=other", "a#b?c=d", "../../etc/passwd", "%2e%2e%2f", "a\r\nX-Injected: yes", "a\nb", "\x00", "a\x00b"),
    *('","x":"', '"}],"y":[{"', "\\", "\\u0022", "'; DROP TABLE days; --", '" OR 1=1 --', "a' || 'b"),
    *("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1"),
    *(
        "\x1b[2J\x1b[H",
        "\x1b]0;title\x07",
        "\x1b]8;;https://evil.example\x1b\\",
        "\x9b31m",
        "\x9d0;x\x9c",
        "\x90",
        "\x85",
    ),
    *(
        "\u202e\u2066evil",
        "\u200b\ufeff",
        "\u2028\u2029",
        "\x7f",
        "\x08\x08\x08",
        "[bold red]x[/]",
        "[/]",
        "[link=a]",
        ":bomb:",
    ),
    *("房间", "e\u0301", "\U0001f469\u200d\U0001f4bb", "\U000e0041", "x" * 300),
)
texts = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


def steers(text: str) -> list[str]:
    """What of a text a terminal would obey; the ends of lines are ours."""
    return STEERING.findall(text)


# --- on the way out: query, body, header --------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name, row in ROWS.items() if any(param.kind != "flag" for param in row.params)]
)
@settings(max_examples=settings().max_examples // 2)
@given(nasty=texts)
def test_no_parameter_breaks_out_of_a_query_or_a_body(name: str, nasty: str) -> None:
    row, asked = ROWS[name], sample(name).asked
    if row.method == "GET" and "," in nasty:
        nasty = nasty.replace(",", ";")
    given = dict(asked.params)
    for param in row.params:
        if param.kind in ("text", "list"):
            given[param.name] = [nasty] if param.kind == "list" else nasty
    wire = spell(row, "1400000000", asked.window, check_params(row, given, unlisted=True), page=1, size=1)
    request = VENDORS[row.vendor].request(row, "https://x.test", wire)
    parts = urlsplit(request.url)
    assert ("https", "x.test", row.path or "/", "") == (parts.scheme, parts.netloc, parts.path, parts.fragment)
    assert request.url.isascii()
    assert request.url.isprintable()
    if row.method == "GET":
        told = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
        assert set(told) == set(wire)
        assert b"" == request.body
    else:
        told = {**json.loads(request.body), **dict(parse_qsl(parts.query))}
        assert set(told) == set(wire)
    quoted = {param.name for param in row.params if param.quoted}
    for param in row.params:
        if param.kind in ("text", "list"):
            sent = unsigned(nasty) if param.unsigned else nasty
            expected = f'"{sent}"' if row.method == "GET" and param.name in quoted else sent
            assert told[param.name] in (expected, [expected])
    assert all(value.isprintable() and value.isascii() for value in request.headers.values())


@pytest.mark.parametrize("field", ["customer_id", "customer_secret", "secret_id", "secret_key", "token", "region"])
@given(nasty=texts)
def test_no_credential_and_no_region_breaks_out_of_a_header(field: str, nasty: str) -> None:
    word = f"given-{nasty}"
    agora = field.startswith("customer")
    keys: dict[str, Any] = (
        {"app_id": "app1", "customer_id": "id8", "customer_secret": "longer-than-8"}
        if agora
        else {"sdk_app_id": 1, "secret_id": "id8", "secret_key": "longer-than-8", "token": None, "region": "ap-x"}
    )
    make: Any = AgoraProvider if agora else TencentProvider
    clock = VirtualClock()
    transport = Script(clock, [json_response("{}")])

    async def ask() -> None:
        async with make(
            **{**keys, field: word}, plan="unlimited", store=":memory:", transport=transport, base_url="https://x.test"
        ) as provider:
            row = ROWS["agora 2024 call/lists" if agora else "tencent 2019-07-22 DescribeRoomInfo"]
            signed = provider._caller.vendor.authenticate(
                VENDORS[row.vendor].request(row, "https://x.test", {}),
                row,
                await provider._caller.credentials(),
                now=EPOCH,
            )
            for value in signed.headers.values():
                assert value.isascii()
                assert value.isprintable()

    with suppress(BadInput):
        run(ask)


# --- files: SQL and names -----------------------------------------------------------------------------------


def left_behind(account: str, folder: Path) -> tuple[list[str], list[tuple[str, str]]]:
    """The files and the tables after one question on an account of this name."""
    clock = VirtualClock()

    async def ask() -> None:
        keys: dict[str, Any] = {"app_id": "app1", "customer_id": "id8", "customer_secret": "longer-than-8"}
        answer = json_response('{"code": 200, "call_lists": [], "total_size": 0}')
        async with AgoraProvider(
            **keys,
            plan="premium",
            quota=Quota(account, store=folder / "quota.db", clock=clock.clock, plan="premium", cold_start=False),
            transport=Script(clock, [answer]),
            base_url="https://x.test",
        ) as provider:
            now = int(provider.now())
            await provider.calls(TimeRange(now - 7200, now - 3600), channel=account).collect()

    run(ask)
    with sqlite3.connect(folder / "quota.db") as file:
        ((sound,),) = file.execute("PRAGMA integrity_check").fetchall()
        assert "ok" == sound
        tables = file.execute("SELECT type, name FROM sqlite_master ORDER BY 1, 2").fetchall()
    file.close()
    return sorted(path.name for path in folder.rglob("*") if path.suffix == ".db"), tables


@pytest.mark.parametrize("account", ["../../etc", "/etc/x", "a\x00b", "a\nb", "'; DROP TABLE day; --", '" OR 1=1'])
def test_no_account_breaks_out_of_the_quota_file(account: str, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "nasty").mkdir()
    assert left_behind(f"plain {tmp_path.name}", tmp_path / "plain") == left_behind(account, tmp_path / "nasty")
    for path in (tmp_path / "nasty").iterdir():
        assert len(account) < 4 or account.encode() not in path.read_bytes()


# --- on the way to people -----------------------------------------------------------------------------------

numbers = st.integers(-(10**400), 10**400) | st.integers(0, 2**33)
values = st.lists(st.floats(allow_infinity=False), max_size=3)


@st.composite
def records(draw: st.DrawFn) -> CallRecord:
    """A call about which a vendor says whatever it likes."""
    call_id, session_id, user = draw(texts), draw(texts), draw(texts)
    call = Call(vendor="agora", call_id=call_id, channel=draw(texts), created_ts=draw(numbers))
    leave = draw(st.none() | numbers)
    session = Session(
        vendor="agora", call_id=call_id, session_id=session_id, user_id=user, join_ts=draw(numbers), leave_ts=leave
    )
    series = tuple(
        MetricSeries(
            vendor="agora",
            call_id=call_id,
            session_id=session_id,
            user_id=user,
            peer_id=draw(texts),
            metric=metric,
            vendor_metric=draw(texts),
            columns=Columns.of(range(len(found)), found),
        )
        for metric in ("audio_freeze_time", "audio_uplink_loss", "rtt")
        for found in [draw(values)]
    )
    error = NotFound(vendor="agora", code=draw(texts), message=draw(texts), request_id=draw(texts), endpoint="x")
    failure = Failure(vendor="agora", step="sessions", call_id=call_id, error=error)
    return CallRecord(vendor="agora", call=call, sessions=(session,), series=series, failures=(failure,))


@given(st.lists(records(), min_size=1, max_size=3), texts)
def test_nothing_that_a_vendor_says_steers_the_terminal_through_a_console(
    found: list[CallRecord], stopped: str
) -> None:
    worst = Worst()
    for record in found:
        worst.take(record)
    told = VendorReport(failures=[record.failures[0] for record in found], doubts=[stopped], stopped=stopped)
    report = Report(vendors={"agora": told})
    lines = [*warnings(report, most=100), *results(report, {"agora": stopped})]
    for kind in (PlainConsole, RichConsole):
        stream = io.StringIO()
        screen = kind(stream)
        screen.progress(report)
        screen.table(WORST, *worst_rows(worst.listed()))
        screen.table(SPENT, *vendor_rows(report))
        for line in lines:
            screen.line(line)
        screen.close()
        assert [] == steers(stream.getvalue())
        assert len(lines) <= stream.getvalue().count("\n")


@pytest.mark.parametrize(
    "text", ["[bold red]x[/]", "[/]", ":bomb:", "[link=https://evil.example]x[/link]", "\\[x]", "a\\"]
)
def test_no_markup_and_no_emoji_code_is_read_in_a_name(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    screen = RichConsole(sys.stderr)
    screen.table("calls", ("channel",), [(text,)])
    screen.line(text)
    screen.close()
    assert 2 == capsys.readouterr().err.count(text)


@given(records())
def test_nothing_that_a_vendor_says_steers_a_terminal_through_a_record(record: CallRecord) -> None:
    buffer = io.BytesIO()
    try:
        buffer.writelines(record_pieces(record))
    except OverflowError:
        return  # an integer beyond 64 bits, which no decoder lets through into a time
    text = buffer.getvalue().decode()
    assert [] == steers(text)
    assert 1 == text.count("\n")
    said = json.loads(text)
    assert (record.call.call_id, record.call.channel) == (said["call_id"], said["channel"])
    assert str(record.failures[0].error) == said["failures"][0]["error"]


@given(st.dictionaries(texts, texts | st.lists(texts, max_size=2), max_size=4), st.sampled_from([0, 2]))
@example({"a": "\x7f\x9b\u202e\U000e0041"}, 0)
def test_what_is_encoded_for_a_terminal_is_the_same_json(value: dict[str, Any], indent: int) -> None:
    text = encode(value, indent=indent)
    assert value == json.loads(text)
    assert [] == steers(text.decode())


def test_text_that_a_terminal_shows_is_written_as_it_is() -> None:
    assert '{"a":"房间 é 😀"}'.encode() == encode({"a": "房间 é 😀"})


@pytest.mark.parametrize("words", ["{}", "scan --last {}", "scan --last 6h --plan {}", "scan --{}"])
def test_words_of_a_command_come_back_without_what_steers(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AGORA_APP_ID", "TRTC_SDK_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    for nasty in NASTY:
        try:
            status: Any = main([word.format(nasty) for word in words.split()])
        except SystemExit as left:
            status = left.code
        told = capsys.readouterr()
        assert (2, []) == (status, steers(told.err + told.out))


@given(texts)
def test_no_log_line_steers_the_terminal(nasty: str) -> None:
    from agora_tencent_analytics.cli import _log_shown

    with pytest.MonkeyPatch.context() as patch:
        stream = io.StringIO()
        patch.setattr("sys.stderr", stream)
        with _log_shown():
            logging.getLogger("agora_tencent_analytics").info("the vendor says %s", nasty)
    assert [] == steers(stream.getvalue())
    assert 1 == stream.getvalue().count("\n")
