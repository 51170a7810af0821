"""`scan --ledger` goes on where it stopped, and its file never has half a line nor a call twice."""

from __future__ import annotations

import json
import shutil
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from agora_tencent_analytics import Last
from agora_tencent_analytics.cli import main
from agora_tencent_analytics.cli.arguments import parse
from agora_tencent_analytics.scan import Ledger, Records
from agora_tencent_analytics.scan.options import Since
from agora_tencent_analytics.simulator import Refuse, SimulatedAgora, When, World
from tests.cli.commands.test_scan import _bare_environment, agora, lines_of

__all__ = ["_bare_environment", "agora"]


END = int(time.time()) - 3_600
START = END - 8 * 3_600


@pytest.fixture
def simulated_world() -> World:
    """Twelve calls, so old that no run finds more of one than the run before it."""
    return World(calls=12, start=START, end=END)


def words(folder: Path, *more: str, over: str = f"--start {START} --end {END}") -> list[str]:
    kinds = [f"--{kind}={folder / kind}" for kind in ("out", "report", "ledger")]
    return ["scan", *over.split(), "--depth", "sessions", *kinds, *more]


def report_of(folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((folder / "report").read_text())
    return said


def calls_of(lines: list[dict[str, Any]]) -> list[str]:
    """The calls that begin in these lines; a very large one has several lines."""
    return [line["call_id"] for line in lines if line["part"] == 0]


def test_a_second_run_adds_nothing_to_what_is_complete(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(words(tmp_path))
    first, asked = (tmp_path / "out").read_bytes(), len(agora.arrivals)
    assert 0 == main(words(tmp_path))
    assert first == (tmp_path / "out").read_bytes()
    assert 12 == report_of(tmp_path)["total"]["already"]
    assert len(agora.arrivals) - asked <= 1, "the recent end of the listing"
    assert "12 calls were settled by earlier runs" in capsys.readouterr().out


def test_what_was_written_beyond_the_last_acknowledgement_is_cut_off(agora: SimulatedAgora, tmp_path: Path) -> None:
    assert 1 == main(words(tmp_path, "--budget", "6"))
    out = tmp_path / "out"
    kept = out.read_bytes()
    with out.open("ab") as file:
        file.write(b'{"vendor":"agora","call_id":"half a li')
    assert 0 == main(words(tmp_path))
    assert out.read_bytes().startswith(kept)
    calls = calls_of(lines_of(out))
    assert 12 == len(calls) == len(set(calls))


def test_a_file_that_lost_records_is_refused_before_anything_is_asked(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(words(tmp_path, "--budget", "6"))
    out, asked = tmp_path / "out", len(agora.arrivals)
    whole = out.read_bytes()
    assert whole
    out.write_bytes(whole[:-1])
    assert 2 == main(words(tmp_path))
    assert "records are missing" in capsys.readouterr().err
    assert asked == len(agora.arrivals)
    out.write_bytes(whole)
    assert 0 == main(words(tmp_path))
    assert 12 == len(calls_of(lines_of(out)))


@pytest.mark.parametrize("rotation", ["moved away", "emptied"])
def test_a_file_that_was_rotated_begins_anew(
    rotation: str, agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(words(tmp_path, "--budget", "6"))
    out, first = tmp_path / "out", lines_of(tmp_path / "out")
    capsys.readouterr()
    if rotation == "moved away":
        out.rename(tmp_path / "out.1")
    else:
        out.write_bytes(b"")
    assert 1 == main(words(tmp_path, "--budget", "4"))
    assert "what was read before is in the file of this name that was moved away or emptied" in capsys.readouterr().err
    assert 0 == main(words(tmp_path))
    calls = calls_of([*first, *lines_of(out)])
    assert 12 == len(calls) == len(set(calls))
    whole = out.read_bytes()
    assert 0 == main(words(tmp_path))
    assert whole == out.read_bytes()


LINE = b'{"vendor":"agora","call_id":"0123456789abcdef"}\n'


@pytest.mark.parametrize(
    ("content", "announced"),
    [
        (b"a list of mine\n", ""),
        (b"a list of mine\n", "a list of mine"),
        (b"\n", ""),
        (LINE, ""),
        (LINE, '{"vendor":"tencent"'),
        (LINE * 2, LINE.decode()),
        (LINE + b"more", LINE.decode()),
    ],
)
def test_a_mark_of_length_nought_empties_no_file_that_has_content(
    content: bytes, announced: str, agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = tmp_path / "out"
    victim.write_bytes(content)
    with Ledger(tmp_path / "ledger") as ledger:
        ledger.keep(json.dumps([{"path": str(victim), "length": 0, "digest": "", "first": announced}]))
    assert 2 == main(words(tmp_path))
    assert "has lines that this --ledger did not write" in capsys.readouterr().err
    assert content == victim.read_bytes()
    assert not agora.arrivals


@pytest.mark.parametrize(("content", "length"), [(LINE * 9, 1), (LINE * 9, len(LINE) - 1), (b'{\n"mine": 1}\n', 2)])
def test_a_mark_that_anybody_could_have_made_cuts_no_file(
    content: bytes, length: int, agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What many files begin with tells none of them from another."""
    victim = tmp_path / "out"
    victim.write_bytes(content)
    digest = blake2b(content[:length], digest_size=16).hexdigest()
    with Ledger(tmp_path / "ledger") as ledger:
        ledger.keep(json.dumps([{"path": "/another/file", "length": length, "digest": digest}]))
    assert 2 == main(words(tmp_path))
    assert "has lines that this --ledger did not write" in capsys.readouterr().err
    assert content == victim.read_bytes()
    assert not agora.arrivals


@pytest.mark.parametrize("left", ["half a line", "a line"])
def test_a_first_line_that_was_not_acknowledged_is_cut_off(
    left: str, agora: SimulatedAgora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def never(*_: Any, **__: Any) -> None:
        raise Killed

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(Records, "acknowledge", never)
        with pytest.raises(Killed):
            main(words(tmp_path))
    written = out.read_bytes()
    assert written.endswith(b"\n")
    if left == "half a line":
        out.write_bytes(written[: len(written) // 2])
    assert 0 == main(words(tmp_path))
    calls = calls_of(lines_of(out))
    assert 12 == len(calls) == len(set(calls))


def test_lines_whose_acknowledgements_were_lost_stay_and_their_calls_come_again(
    agora: SimulatedAgora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(words(tmp_path, "--budget", "6"))
    out, killed, acknowledge, taken = tmp_path / "out", tmp_path / "killed", Records.acknowledge, 0
    sure = len(lines_of(out))
    killed.mkdir()

    def killed_at_the_third(self: Records, *records: Any, bookmark: str | None = None) -> None:
        nonlocal taken
        acknowledge(self, *records, bookmark=bookmark)
        taken += 1
        if taken == 3:
            for name in ("out", "ledger", "ledger-commits"):  # its log is lost
                shutil.copy(tmp_path / name, killed / name)

    with monkeypatch.context() as patch:
        patch.setattr(Records, "acknowledge", killed_at_the_third)
        assert 0 == main(words(tmp_path))
    for name in ("out", "ledger", "ledger-commits"):
        shutil.copy(killed / name, tmp_path / name)
    before = out.read_bytes()
    with out.open("ab") as file:
        file.write(b'{"vendor":"agora","call_id":"half a li')
    capsys.readouterr()
    assert 1 == main(words(tmp_path))
    assert "lost its latest acknowledgements" in capsys.readouterr().err
    assert out.read_bytes().startswith(before)
    lines = lines_of(out)
    kept, rest = lines[: before.count(b"\n")], lines[before.count(b"\n") :]
    again = {line["call_id"] for line in kept} & {line["call_id"] for line in rest}
    assert {line["call_id"] for line in kept[sure:]} == again
    assert all(line["again"] for line in rest if line["call_id"] in again)
    assert 12 == len({line["call_id"] for line in lines})


def test_a_new_file_goes_on_from_there_and_says_where_the_rest_is(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(words(tmp_path, "--budget", "6"))
    first = lines_of(tmp_path / "out")
    assert "begins with what is new" not in capsys.readouterr().err
    (tmp_path / "other").touch()
    assert 0 == main(words(tmp_path, "--out", str(tmp_path / "other")))
    assert f"what was read before is in {tmp_path / 'out'}\n" in capsys.readouterr().err
    calls = calls_of([*first, *lines_of(tmp_path / "other")])
    assert 12 == len(calls) == len(set(calls))


def test_a_file_whose_lines_the_ledger_does_not_know_is_never_emptied(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    other.write_text("of an earlier scan\n")
    assert 2 == main(words(tmp_path, "--out", str(other)))
    assert "name one that is empty or missing" in capsys.readouterr().err
    assert 1 == main(words(tmp_path, "--budget", "6"))
    asked = len(agora.arrivals)
    capsys.readouterr()
    assert 2 == main(words(tmp_path, "--out", str(other)))
    assert f"its records are in {tmp_path / 'out'}" in capsys.readouterr().err
    assert asked == len(agora.arrivals)
    assert "of an earlier scan\n" == other.read_text()


def test_a_job_whose_folder_was_moved_goes_on(agora: SimulatedAgora, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    assert 1 == main(words(before, "--budget", "6"))
    kept = (before / "out").read_bytes()
    before.rename(after)
    with (after / "out").open("ab") as file:
        file.write(b'{"vendor":"agora","call_id":"half a li')
    assert 0 == main(words(after))
    assert (after / "out").read_bytes().startswith(kept)
    calls = calls_of(lines_of(after / "out"))
    assert 12 == len(calls) == len(set(calls))
    whole = (after / "out").read_bytes()
    assert 0 == main(words(after))
    assert whole == (after / "out").read_bytes()


def test_a_file_that_takes_the_place_of_one_without_records_goes_on(agora: SimulatedAgora, tmp_path: Path) -> None:
    out, begun = tmp_path / "out", tmp_path / "begun"
    assert 1 == main(words(tmp_path, "--budget", "6"))
    assert 1 == main(words(tmp_path, "--out", str(begun), "--budget", "1"))
    assert b"" == begun.read_bytes()
    kept = out.read_bytes()
    out.replace(begun)
    assert 0 == main(words(tmp_path, "--out", str(begun)))
    assert begun.read_bytes().startswith(kept)
    assert 12 == len(calls_of(lines_of(begun)))


def test_who_named_a_wrong_file_can_go_back(agora: SimulatedAgora, tmp_path: Path) -> None:
    for name, budget in (("out", 6), ("wrong", 4), ("wrong", 100)):
        assert main(words(tmp_path, "--out", str(tmp_path / name), "--budget", str(budget))) in (0, 1)
    first, second = lines_of(tmp_path / "out"), lines_of(tmp_path / "wrong")
    assert first
    assert second
    assert 0 == main(words(tmp_path))
    assert [first, second] == [lines_of(tmp_path / name) for name in ("out", "wrong")]
    # With the records of another file, and without its own, it has lost records.
    (tmp_path / "wrong").write_bytes((tmp_path / "out").read_bytes())
    assert 2 == main(words(tmp_path, "--out", str(tmp_path / "wrong")))
    assert first == lines_of(tmp_path / "wrong")


def test_a_file_that_was_changed_is_refused_and_left_as_it_is(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 1 == main(words(tmp_path, "--budget", "6"))
    out = tmp_path / "out"
    changed = b"something else, and longer" + out.read_bytes()
    out.write_bytes(changed)
    assert 2 == main(words(tmp_path))
    assert "records are missing" in capsys.readouterr().err
    assert changed == out.read_bytes()


def test_a_bookmark_of_somebody_else_is_none(agora: SimulatedAgora, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger") as ledger:
        ledger.keep("3 of them")
    assert 0 == main(words(tmp_path))
    assert 12 == len(calls_of(lines_of(tmp_path / "out")))


def test_a_call_that_failed_is_written_again_and_says_so(agora: SimulatedAgora, tmp_path: Path) -> None:
    call = agora.world.call_at("agora", 1)
    about = When(endpoint="call/sessions", predicate=lambda arrival: arrival.facts["call_id"] == call.call_id)
    agora.inject(Refuse(code=400, message="no", when=about))
    assert 1 == main(words(tmp_path))
    agora.heal()
    assert 0 == main(words(tmp_path))
    lines = [line for line in lines_of(tmp_path / "out") if line["call_id"] == call.call_id]
    assert [None, True] == [line.get("again") for line in lines]
    assert [1, 0] == [len(line["failures"]) for line in lines]


def test_the_daily_job(agora: SimulatedAgora, tmp_path: Path) -> None:
    assert 0 == main(words(tmp_path, over="--last 10h --since-last-run"))
    first = lines_of(tmp_path / "out")
    assert 12 == len(calls_of(first))
    assert 0 == main(words(tmp_path, over="--last 10h --since-last-run --look-back 30m"))
    running = {line["call_id"] for line in first if not line["finished"]}
    more = lines_of(tmp_path / "out")[len(first) :]
    assert running == {line["call_id"] for line in more}
    assert all(line["again"] for line in more)


def test_a_ledger_that_cannot_be_used_is_told(
    agora: SimulatedAgora, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ledger").write_text("no ledger " * 100)
    assert 1 == main(words(tmp_path))
    assert "ledger" in capsys.readouterr().err
    assert not agora.arrivals
    assert 2 == main(words(tmp_path, "--ledger", str(tmp_path / "out")))
    assert "a file each" in capsys.readouterr().err


def test_since_and_its_look_back() -> None:
    base = ["scan", "--last", "24h", "--ledger", "f", "--since-last-run"]
    assert Since(first=Last(hours=24)) == parse(base).over
    assert Since(first=Last(hours=24), look_back_s=7_200) == parse([*base, "--look-back", "2h"]).over
