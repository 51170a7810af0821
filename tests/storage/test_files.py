from __future__ import annotations

import os
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

import pytest

from agora_tencent_analytics import LedgerUnusable, QuotaUnavailable
from agora_tencent_analytics.cli import main
from agora_tencent_analytics.quota.sqlite_store import SqliteStore
from agora_tencent_analytics.scan.ledger import Ledger
from agora_tencent_analytics.storage.files import make_private, open_private, standard_stream, write_whole

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
THEIRS = 12_345
SCAN = ("scan", "--simulate", "--vendor", "agora", "--plan", "unlimited", "--calls", "2", "--depth", "calls")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def give_away(path: Path) -> None:
    os.chown(path, THEIRS, THEIRS, follow_symlinks=False)


@pytest.fixture(autouse=True)
def nothing_hangs() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def opened(path: Path) -> None:
    os.close(open_private(path))


def written(path: Path) -> None:
    write_whole(path, b"new")


WAYS: dict[str, Callable[[Path], object]] = {"made": make_private, "opened": opened, "written": written}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
@pytest.mark.parametrize("way", WAYS)
def test_a_new_file_is_its_owners_alone_whatever_the_umask(way: str, umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        WAYS[way](tmp_path / "file")
    finally:
        os.umask(before)
    assert 0o600 == mode(tmp_path / "file")


@pytest.mark.parametrize(("kind", "named"), [("FIFO", "a FIFO"), ("folder", "a folder"), ("device", "a device")])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_file_is_refused_in_words_and_does_not_hang(way: str, kind: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "there"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(OSError, match=f"it is {named}, and must be a file"):
        WAYS[way](path)


@pytest.mark.parametrize("way", WAYS)
def test_a_link_of_ones_own_is_followed_also_where_it_dangles(way: str, tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "folder" / "target"
    target.parent.mkdir()
    link.symlink_to("folder/target")
    for _ in range(2):
        WAYS[way](link)
        assert link.is_symlink()
        assert 0o600 == mode(target)


@as_root
@pytest.mark.parametrize("dangles", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_a_link_of_another_user_is_refused(way: str, dangles: bool, tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    give_away(link)
    if not dangles:
        target.write_text("mine")
    with pytest.raises(OSError, match="it is a link of another user's, which is not followed"):
        WAYS[way](link)
    assert (not target.exists()) if dangles else ("mine" == target.read_text())


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        make_private(tmp_path / "a")


@as_root
@pytest.mark.parametrize("way", WAYS)
def test_a_file_of_another_user_is_refused(way: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("theirs")
    path.chmod(0o644)
    give_away(path)
    with pytest.raises(OSError, match="it belongs to another user"):
        WAYS[way](path)
    assert "theirs" == path.read_text()


@as_root
def test_a_file_of_another_user_may_be_accepted_unless_others_may_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_FOREIGN_FILES", "1")
    path = tmp_path / "file"
    path.write_text("theirs")
    path.chmod(0o644)
    give_away(path)
    os.close(open_private(path))
    path.chmod(0o666)
    with pytest.raises(OSError, match="others may write it"):
        open_private(path)


def test_of_ones_own_file_others_lose_leave_to_write_and_all_leave_where_it_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    path.chmod(0o666)
    os.close(open_private(path))
    assert (0o644, "mine") == (mode(path), path.read_text())
    os.close(open_private(path, anew=True))
    assert (0o600, "") == (mode(path), path.read_text())


def test_a_whole_replaces_what_was_there_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = tmp_path / "file", tmp_path / "other name"
    path.write_text("old")
    path.chmod(0o666)
    os.link(path, other)
    write_whole(path, b"new")
    assert ("new", 0o600, "old") == (path.read_text(), mode(path), other.read_text())

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"newer")
    assert "new" == path.read_text()
    assert {path, other} == set(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_is_a_stream_by_any_name(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert 1 == standard_stream(name)
    assert standard_stream(str(tmp_path / "file")) is None
    write_whole(name, b"{}\n")
    assert "{}\n" == capfd.readouterr().out


# --- where they are used ----------------------------------------------------------------------------------------


def test_records_and_reports_are_their_owners_alone(tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report"
    before = os.umask(0)
    try:
        assert 0 == main([*SCAN, "--out", str(out), "--report", str(report), "--ledger", str(tmp_path / "ledger")])
    finally:
        os.umask(before)
    assert (0o600, 0o600, 0o600) == (mode(out), mode(report), mode(tmp_path / "ledger"))


USES = ("--out", "--report", "--ledger", "a quota")


def used(use: str, path: object) -> int:
    """The exit status of a command that writes what `use` names to this path."""
    if use != "a quota":
        return main([*SCAN, use, str(path)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYTICS_QUOTA_STORE", str(path))
        for name in ("APP_ID", "CUSTOMER_ID", "CUSTOMER_SECRET"):
            patch.setenv(f"AGORA_{name}", blake2b(str(path).encode(), digest_size=16).hexdigest())
        return main(["quota", "--vendor", "agora", "--plan", "premium"])


@pytest.mark.parametrize("kind", ["FIFO", "FIFO behind a link", "device", "folder", "socket"])
@pytest.mark.parametrize("use", USES)
def test_every_use_refuses_in_words_what_is_no_file(
    use: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "there"
    if kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    else:
        os.mkfifo(path)
        if "link" in kind:
            (tmp_path / "link").symlink_to(path)
            path = tmp_path / "link"
    assert 0 != used(use, path)
    assert f"it is a {kind.partition(' ')[0]}, and must be a file" in capsys.readouterr().err


@as_root
@pytest.mark.parametrize("use", USES)
def test_no_use_writes_through_another_users_link(use: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link, victim = tmp_path / "link", tmp_path / "victim"
    victim.write_text("")
    link.symlink_to(victim)
    give_away(link)
    assert 0 != used(use, link)
    assert "it is a link of another user's, which is not followed" in capsys.readouterr().err
    assert "" == victim.read_text()


@pytest.mark.parametrize("use", USES)
def test_every_use_follows_ones_own_link(use: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    assert 0 == used(use, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert 0o600 == mode(tmp_path / "target")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("use", USES)
def test_standard_output_by_any_name_is_a_stream_for_what_is_written_once(
    use: str, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    status = used(use, name)
    told = capfd.readouterr()
    if use in ("--out", "--report"):
        assert (0, True) == (status, '{"vendor":' in told.out or '"complete": true' in told.out)
    else:
        assert (True, True) == (status > 0, "it is a standard stream, and must be a file" in told.err), told.err


def test_a_ledger_and_a_quota_file_are_made_private_through_a_dangling_link(tmp_path: Path) -> None:
    for name, kind in (("ledger", Ledger), ("quota", SqliteStore)):
        (tmp_path / name).symlink_to(tmp_path / f"{name}-target")
        kind(tmp_path / name).close()
        assert 0o600 == mode(tmp_path / f"{name}-target")


@as_root
def test_a_ledger_and_a_quota_file_of_another_user_are_refused(tmp_path: Path) -> None:
    for name, refused, use in (("ledger", LedgerUnusable, Ledger), ("quota", (QuotaUnavailable, OSError), SqliteStore)):
        path = tmp_path / name
        path.touch()
        give_away(path)
        with pytest.raises(refused, match="belongs to another user"):
            use(path)


def test_what_stands_in_the_way_of_the_number_beside_a_ledger_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "ledger-commits")
    with pytest.raises(LedgerUnusable, match="it is a FIFO, and must be a file"):
        Ledger(tmp_path / "ledger")
