"""Mistakes that people make at a terminal: each has a sentence that says what to do, and its exit status."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agora_tencent_analytics import Last, TimeRange
from agora_tencent_analytics.cli import main, simulated_world
from agora_tencent_analytics.cli.arguments import parse
from agora_tencent_analytics.scan import FreezeFrom
from agora_tencent_analytics.simulator import SimulatedAgora, World, running_in_thread
from tests.support.command_line import COMMAND, environment, serving, settings_of
from tests.support.long_runs import first

LIMIT_S = 60
SIMULATED = ["scan", "--simulate", "--vendor", "agora", "--plan", "unlimited", "--calls", "4", "--depth", "sessions"]


def refused(line: str | list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a wrong command line; its status is 2."""
    try:
        status = main(line.split() if isinstance(line, str) else line)
    except SystemExit as left:
        status = int(left.code or 0)
    told = capsys.readouterr()
    assert (2, "") == (status, told.out)
    return told.err


@pytest.fixture
def agora(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimulatedAgora]:
    """A vendor of sixty calls, and the environment of its customer."""
    end = int(time.time()) - 300
    with running_in_thread(SimulatedAgora(World(calls=60, start=end - 8 * 3600, end=end), plan="unlimited")) as server:
        for name, value in (*server.credentials.items(), ("plan", "unlimited"), ("base_url", server.base_url)):
            monkeypatch.setenv(f"AGORA_{name.upper()}", value)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        yield server


# --- what is wrong is said first, and what was meant -----------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("scan --lst 6h", "agora-tencent-analytics scan: there is no option --lst; did you mean --last?"),
        ("scna --last 6h", "agora-tencent-analytics: there is no command scna; did you mean scan?"),
        ("quota --last 6h", "agora-tencent-analytics quota: quota takes no --last"),
        ("scan --last 1h --calls 5", "agora-tencent-analytics scan: --calls needs --simulate"),
        ("forecast --last 1h --seed 5", "agora-tencent-analytics forecast: --seed needs --simulate"),
        ("scan --last 1h --force", "agora-tencent-analytics scan: --force goes with --out; leave --force out"),
    ],
)
def test_the_fault_comes_before_anything_else(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, *rest = refused(line, capsys).splitlines()
    assert told == first
    assert ["--help shows what it takes, with examples"] == [text[text.index("--help") :] for text in rest]


@pytest.mark.parametrize("command", [[], ["scan"], ["forecast"], ["quota"], ["simulate"]])
def test_help_begins_with_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    usage, _, what, _, examples, first, *_ = capsys.readouterr().out.splitlines()
    assert ("usage: ", ".", "examples:") == (usage[:7], what[-1], examples)
    program = " ".join(["agora-tencent-analytics", *command])
    assert first.startswith(f"  {program}")


@pytest.mark.parametrize("command", ["scan", "forecast", "quota", "simulate"])
def test_every_example_of_help_is_right(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = capsys.readouterr().out
    examples = told.partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    for example in examples:
        assert command == parse(example.partition("#")[0].split()[1:]).command


# --- ranges ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1h30m", Last(minutes=90)),
        ("2d12h", Last(hours=60)),
        ("1h0.5m30s", Last(minutes=61)),
        ("0h1s", Last(seconds=1)),
    ],
)
def test_lengths_of_time_are_put_together(text: str, expected: Last) -> None:
    assert expected == parse(["scan", "--last", text]).over


@pytest.mark.parametrize("text", ["30m1h", "1h1h", "1h 30m", "h", "1h30", "0h0m", "1.2.3h", "tomorrow", "2026-02-30"])
def test_what_is_no_length_of_time_nor_a_day_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(["scan", "--last", text], capsys)
    assert "write 90s, 30m, 6h, 1h30m or 2d, or a day: yesterday, 2026-11-29" in told or "there is no day" in told


@pytest.mark.parametrize(
    ("words", "over"),
    [
        (["--last", "2026-03-29", "--tz", "Europe/Berlin"], ("2026-03-28T23:00Z", "2026-03-29T22:00Z")),
        (["--last", "2026-03-29", "--tz", "UTC"], ("2026-03-29T00:00Z", "2026-03-30T00:00Z")),
        (["--last", "2026-03-29", "--tz", "+08:00"], ("2026-03-28T16:00Z", "2026-03-29T16:00Z")),
        (
            ["--start", "2026-03-01", "--end", "2026-03-02", "--tz", "-05:00"],
            ("2026-03-01T05:00Z", "2026-03-02T05:00Z"),
        ),
        (
            ["--start", "2026-03-01T04:00", "--end", "2026-03-01T06:30", "--tz", "Asia/Shanghai"],
            ("2026-02-28T20:00Z", "2026-02-28T22:30Z"),
        ),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_day_is_a_day_in_its_time_zone(words: list[str], over: tuple[str, str]) -> None:
    """The first of these has 23 hours."""
    options = parse(["scan", *words])
    assert TimeRange(*map(datetime.fromisoformat, over)) == options.over


def test_yesterday_and_today_are_whole_days(monkeypatch: pytest.MonkeyPatch) -> None:
    yesterday = parse(["scan", "--last", "yesterday", "--tz", "Asia/Shanghai"]).over
    today = parse(["scan", "--last", "today", "--tz", "Asia/Shanghai"]).over
    assert (86_400, today.start) == (yesterday.seconds, yesterday.end)
    assert time.time() in today
    assert "00:00" == datetime.fromtimestamp(today.start, ZoneInfo("Asia/Shanghai")).strftime("%H:%M")


def test_without_a_zone_a_day_is_that_of_this_machine_which_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run(
        [*COMMAND, "scan", "--last", "2026-03-29", "--vendor", "agora", "--plan", "premium"],
        env=environment(tmp_path, TZ="CET-1CEST,M3.5.0,M10.5.0/3", **settings("http://127.0.0.1:9")),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (
        "2026-03-29: 2026-03-29 00:00 to 2026-03-30 00:00 CET, the time zone of this machine (--tz names another); "
        "UTC [2026-03-28T23:00:00Z, 2026-03-29T22:00:00Z)"
    ) == done.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("scan --start 2026-11-29T04:00 --end 1790003600", "add one: 2026-11-29T04:00Z or 2026-11-29T04:00+01:00"),
        ("scan --last yesterday --ledger f --since-last-run", "needs --ledger and --last 6h (a length, not a day)"),
        ("scan --last 2999-01-01", "lies in the future: nothing to read"),
        ("scan --last 6h --tz Mars/Olympus", "'Mars/Olympus' is not a time zone; write UTC, Europe/Berlin or +01:00"),
        ("scan --last 6h --tz ../../etc/passwd", "is not a time zone"),
        ("scan --last 6h --tz +99:00", "is not a time zone"),
    ],
)
def test_a_range_that_cannot_be_meant_is_refused(line: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told in refused(line, capsys)


@pytest.mark.parametrize(("text", "ratio"), [("10%", 0.1), ("0.1", 0.1), ("0.0871", 0.0871), ("1.0", 1.0)])
def test_a_share_may_be_written_either_way(text: str, ratio: float) -> None:
    assert FreezeFrom(ratio) == parse(["scan", "--last", "6h", "--frozen-from", text]).frozen_from


@pytest.mark.parametrize("text", ["1", "10", "1.1", "0.0", "1e-2", ".5"])
def test_a_share_that_may_be_percents_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "write 8.71% or 0.0871" in refused(["scan", "--last", "6h", "--frozen-from", text], capsys)


def test_what_the_vendor_has_forgotten_is_said_first(
    agora: SimulatedAgora, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGORA_PLAN", "premium")
    since = datetime.now(UTC) - timedelta(days=7)
    over = (since - timedelta(days=83), since + timedelta(hours=1))
    start, end = (at.isoformat(timespec="seconds") for at in over)
    assert 1 == main(["scan", "--start", start, "--end", end, "--depth", "calls"])
    told = capsys.readouterr().err.splitlines()[0]
    assert f"agora keeps 7 days: ask from {since:%Y-%m-%d %H}" == told[: told.index(":", 25)]


# --- who is asked, about whom ------------------------------------------------------------------------------------


def settings(base_url: str) -> dict[str, str]:
    keys = {"app_id": "app", "customer_id": "id", "customer_secret": "a-secret"}
    return settings_of("agora", "premium", {"base_url": base_url, "credentials": keys})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "which plan of agora you have is not said: give --plan standard, premium or enterprise, or AGORA_PLAN"),
        (["--plan", "gold"], "agora has no plan 'gold'; give --plan standard, premium or enterprise, or AGORA_PLAN"),
    ],
)
def test_a_plan_that_is_missing_or_wrong_is_told_by_those_there_are(
    words: list[str],
    told: str,
    agora: SimulatedAgora,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("AGORA_PLAN")
    assert told in refused(["scan", "--last", "6h", *words], capsys)
    assert not agora.arrivals


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--user", "nobody"], "agora: no call of user nobody among 60 calls in ["),
        (["--user", "one", "--user", "two"], "agora: no call of user one or two among 60 calls in ["),
        (["--channel", "no\x1bwhere"], "agora: no call in channel no\N{REPLACEMENT CHARACTER}where in ["),
        (["--channel", "nowhere", "--user", "x"], "agora: no call in channel nowhere in ["),
    ],
)
def test_a_channel_or_user_that_nobody_knows_is_told(
    words: list[str], told: str, agora: SimulatedAgora, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["scan", "--last", "10h", "--depth", "sessions", *words])
    shown = capsys.readouterr()
    assert shown.err.startswith(told)
    assert shown.out.endswith("\ncomplete\n")


def test_the_simulated_calls_stay_for_half_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()
    told = []
    for later_s in (600, 1_800, 12 * 3600 + 599, 12 * 3600 + 600):
        monkeypatch.setattr("time.time", lambda later_s=later_s: noon + later_s)
        told.append(simulated_world.demo_range().end - noon)
    assert [0, 0, 0, 12 * 3600] == told


def test_the_last_hours_of_a_simulated_app_are_those_of_its_world() -> None:
    whole = parse(["scan", "--simulate"]).over
    assert TimeRange(whole.end - 7_200, whole.end) == parse(["scan", "--simulate", "--last", "2h"]).over


# --- files -------------------------------------------------------------------------------------------------------


def test_a_file_that_holds_something_is_not_replaced_unless_it_is_forced(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.txt"
    out.write_text("mine\n")
    words = ["scan", "--last", "10h", "--depth", "calls", "--out", str(out)]
    assert f"{out} exists; --force replaces it" in refused(words, capsys)
    assert ("mine\n", []) == (out.read_text(), list(agora.arrivals))
    assert "leave --force out" in refused([*words, "--force", "--ledger", str(tmp_path / "ledger")], capsys)
    assert 0 == main([*words, "--force"])
    assert 60 == len(out.read_text().splitlines())
    out.write_text("")
    assert 0 == main(words), "an empty one holds nothing"


@pytest.mark.parametrize("ledger", first(1, [True, False]))
def test_a_file_that_can_grow_no_further_keeps_whole_lines(ledger: bool, tmp_path: Path) -> None:
    out = tmp_path / "calls.jsonl"
    words = [*SIMULATED[:-4], "--calls", "12", "--depth", "metrics", "--out", str(out)]
    words += ["--ledger", str(tmp_path / "ledger")] if ledger else []

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, resource.RLIM_INFINITY))

    done = subprocess.run(
        [*COMMAND, *words],
        env=environment(tmp_path),
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert 1 == done.returncode
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    calls = sum(line["last"] for line in lines)
    assert 0 < calls < 12
    again = "again" if ledger else "again with --force"
    told = f"{out} has {calls} calls; free some space and run it {again}\n"
    assert done.stderr.endswith(f"no more can be written (File too large): {told}")
    if ledger:
        assert 0 == subprocess.run([*COMMAND, *words], env=environment(tmp_path), check=False).returncode
        assert 12 == sum(json.loads(line)["last"] for line in out.read_text().splitlines())


# --- a vendor that is gone, a scan that is interrupted -------------------------------------------------------------


def test_a_port_where_nobody_listens_is_named_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [*COMMAND, "scan", "--last", "6h"],
        env=environment(tmp_path, **settings("http://127.0.0.1:9")),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert 1 == done.returncode
    assert 1 == done.stderr.count("nothing listens at 127.0.0.1:9")
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("ledger", first(1, [True, False]))
def test_a_vendor_that_goes_away_ends_the_scan_soon_and_is_told_once(ledger: bool, tmp_path: Path) -> None:
    with scanning(tmp_path, ledger=ledger, plan="enterprise") as (process, server):
        server.kill()
        began = time.monotonic()
        out, err = process.communicate(timeout=LIMIT_S)
    assert 1 == process.returncode
    assert time.monotonic() - began < 15
    assert 1 == err.count("nothing listens at")
    assert "agora: stopped: " in err
    assert "by vendor" in out
    assert way_on_of(tmp_path, ledger) == err.splitlines()[-1]


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("ledger", first(1, [False, True]))
def test_a_scan_that_is_interrupted_shows_what_was_read_and_how_to_go_on(ledger: bool, tmp_path: Path) -> None:
    with scanning(tmp_path, ledger=ledger) as (process, _):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_S)
    assert 130 == process.returncode
    assert out.endswith("\nINCOMPLETE\n")
    assert [way_on_of(tmp_path, ledger), "interrupted"] == err.splitlines()[-2:]


class scanning:  # reads as a sentence
    """A scan in the middle of its work, and the server that it asks."""

    def __init__(self, folder: Path, *, ledger: bool, plan: str = "premium") -> None:
        self._serving = serving("--vendor", "agora", "--plan", plan, "--calls", "200", state=folder)
        self._folder, self._ledger, self._plan = folder, ledger, plan

    def __enter__(self) -> tuple[subprocess.Popen[str], subprocess.Popen[str]]:
        told, server = self._serving.__enter__()
        out = self._folder / "out"
        words = ["scan", "--last", "10h", "--depth", "sessions", "--out", str(out), "--proxy", ""]
        self._process = subprocess.Popen(
            [*COMMAND, *words, *(["--ledger", f"{self._folder}/led ger"] if self._ledger else [])],
            env=environment(self._folder, **settings_of("agora", self._plan, told)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + LIMIT_S
        while not (out.exists() and out.stat().st_size):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self._process, server

    def __exit__(self, *error: Any) -> None:
        self._process.kill()
        self._process.communicate()
        self._serving.__exit__(*error)


def way_on_of(folder: Path, ledger: bool) -> str:
    lines = map(json.loads, (folder / "out").read_text().splitlines())
    calls = sum(line["last"] and not line["failures"] for line in lines)
    read = "1 call was read" if calls == 1 else f"{calls} calls were read"
    if not ledger:
        after = "with --ledger FILE the same command would go on from here, and without it, it begins again"
        return f"{read}; {after}"
    files = f"--out {folder}/out --ledger '{folder}/led ger'"
    return f"{read}, and nothing is lost; to go on: agora-tencent-analytics scan --last 10h --depth sessions {files}"


# --- terminals ---------------------------------------------------------------------------------------------------


def test_a_terminal_without_unicode_gets_a_plain_spinner(tmp_path: Path) -> None:
    pytest.importorskip("rich")
    ours, theirs = os.openpty()
    shown = b""
    with subprocess.Popen(
        [*COMMAND, *SIMULATED],
        env=environment(tmp_path, TERM="xterm", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        try:
            while piece := os.read(ours, 65_536):
                shown += piece
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert b"complete" in shown
    assert b"\\u" not in shown
    assert shown.isascii()


def test_a_zone_is_written_as_offset_too() -> None:
    assert timezone(timedelta(hours=-5, minutes=-30)) == parse(["scan", "--last", "1h", "--tz", "-05:30"]).tz
