"""The one place where files are opened that hold what others must not read, or must not have written.

A file is private, regular and ours. What somebody else could have put in the way is refused in words, and nothing
waits: a link of another user's (one's own is followed), a FIFO or a device in the place of a file, a file of another
user's, unless `ANALYTICS_FOREIGN_FILES=1` accepts those that nobody else may write (as on mounted volumes). Each
refusal is an `OSError` whose text says why.

Names of the standard streams (`-`, `/dev/stdout`, `/dev/fd/1`) are no files, and are told by `standard_stream`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
from pathlib import Path

_PRIVATE = 0o600
_OTHERS, _OTHERS_WRITE = 0o077, 0o022
_MOST_LINKS = 40
_OF_SEVERAL_FILES = bytes.fromhex("d9d505f920a163d7")
"""The end of such a journal, https://sqlite.org/fileformat2.html#the_rollback_journal."""
_FOREIGN = "ANALYTICS_FOREIGN_FILES"
_QUICK = os.O_RDWR
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
    _QUICK |= getattr(os, _flag, 0)  # as far as the system has them
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def standard_stream(path: str) -> int | None:
    """1 or 2 for a name of standard output or standard error, wherever that leads; None for any other."""
    if path == "-":
        return 1
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(path), os.fstat(descriptor)):
                return descriptor
    return None


def make_private(path: str | os.PathLike[str]) -> str:
    """Makes a file if there is none, for its owner alone whatever the umask; never opens one that is there.

    That matters where SQLite has it open: POSIX drops all locks of a process when any handle on the file is closed.

    Args:
        path: where it is to be.

    Returns:
        The path with its links followed.

    Raises:
        OSError: what is there must not be used, or it cannot be made.
    """
    target = followed(os.fspath(path))
    with contextlib.suppress(FileNotFoundError):
        _check(os.lstat(target), target)
        return target
    with contextlib.suppress(FileExistsError):  # somebody else was quicker
        descriptor = os.open(target, _QUICK | os.O_CREAT | os.O_EXCL, _PRIVATE)
        try:
            _restrict(descriptor, _PRIVATE)
        finally:
            os.close(descriptor)
    _check(os.lstat(target), target)
    return target


def make_private_database(path: str | os.PathLike[str]) -> str:
    """Makes a file for SQLite as `make_private` does, and looks at what it would find beside it.

    SQLite waits for a FIFO there, writes into any file that has a second name, and of a journal of a transaction in
    several files deletes the list of those, whatever file that names. None of ours has a second name, or is of such a
    transaction.

    Raises:
        OSError: what is there, or beside it, must not be used.
    """
    target = make_private(path)
    for suffix in ("-journal", "-wal", "-shm"):
        beside = target + suffix
        with contextlib.suppress(FileNotFoundError):
            found = os.lstat(beside)
            _check(found, beside)
            if stat.S_ISLNK(found.st_mode) or found.st_nlink > 1:
                raise OSError(errno.EPERM, "it is a link, or has several names, and must be a file of its own", beside)
            if suffix == "-journal":
                with open(beside, "rb") as journal:
                    journal.seek(max(0, found.st_size - len(_OF_SEVERAL_FILES)))
                    if journal.read() == _OF_SEVERAL_FILES:
                        raise OSError(errno.EPERM, "it is a journal that names another file", beside)
    return target


def make_private_folder(folder: Path) -> None:
    """Makes the folder and those above it, each for its owner alone whatever the umask."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(0o700)
            folder.chmod(0o700)


def open_private(path: str | os.PathLike[str], *, anew: bool = False) -> int:
    """A descriptor to read and write a file, which is made if missing.

    Args:
        path: the file.
        anew: True to empty it, and to make it private; else others than its owner lose no more than leave to write.

    Raises:
        OSError: what is there must not be used, or it cannot be opened.
    """
    target = make_private(path)
    descriptor = os.open(target, _QUICK)
    try:
        found = os.fstat(descriptor)
        _check(found, target)
        mode = stat.S_IMODE(found.st_mode)
        if _is_ours(found) and mode & (_OTHERS if anew else _OTHERS_WRITE):
            _restrict(descriptor, mode & ~(_OTHERS if anew else _OTHERS_WRITE))
        if anew:
            os.ftruncate(descriptor, 0)
        if sys.platform != "win32":
            os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_whole(path: str | os.PathLike[str], text: bytes) -> None:
    """Writes a file as a whole: whoever looks sees the one that was there, or this one, and the owner alone does.

    Args:
        path: the file, or a name of a standard stream.
        text: what is to stand there.

    Raises:
        OSError: what is there must not be used, or it cannot be written.
    """
    stream = standard_stream(os.fspath(path))
    if stream is not None:
        _write(stream, text)
        return
    target = followed(os.fspath(path))
    with contextlib.suppress(FileNotFoundError):
        _check(os.lstat(target), target)
    try:
        descriptor, aside = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", dir=os.path.dirname(target) or ".")
    except PermissionError:  # the file may be written, and its folder not
        _write_in_place(target, text)
        return
    except OSError as error:
        raise OSError(error.errno, error.strerror, target) from None
    try:
        try:
            _restrict(descriptor, _PRIVATE)
            _write(descriptor, text)
        finally:
            os.close(descriptor)
        os.replace(aside, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        if not (isinstance(error, OSError) and error.errno in (errno.EBUSY, errno.EXDEV)):
            raise
        _write_in_place(target, text)  # the file itself is mounted there


def _write_in_place(target: str, text: bytes) -> None:
    descriptor = open_private(target, anew=True)
    try:
        _write(descriptor, text)
    finally:
        os.close(descriptor)


def _write(descriptor: int, text: bytes) -> None:
    left = memoryview(text)
    while left:
        left = left[os.write(descriptor, left) :]


def followed(path: str) -> str:
    """The path behind links, each of which is our own; of its folders they are not looked at.

    Raises:
        OSError: a link is another user's, or there are too many; or it is a standard stream.
    """
    if standard_stream(path) is not None:
        raise OSError(errno.EINVAL, "it is a standard stream, and must be a file", path)
    for _ in range(_MOST_LINKS):
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return path
        if not stat.S_ISLNK(found.st_mode):
            return path
        if not _is_ours(found):
            raise OSError(errno.EPERM, "it is a link of another user's, which is not followed", path)
        path = os.path.join(os.path.dirname(path), os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _check(found: os.stat_result, path: str) -> None:
    for is_one, kind in _KINDS:
        if is_one(found.st_mode):
            raise OSError(errno.EINVAL, f"it is {kind}, and must be a file", path)
    if _is_ours(found):
        return
    if stat.S_IMODE(found.st_mode) & _OTHERS_WRITE:
        raise OSError(errno.EPERM, "it belongs to another user, and others may write it", path)
    if os.environ.get(_FOREIGN) != "1":
        raise OSError(errno.EPERM, f"it belongs to another user; {_FOREIGN}=1 accepts that, as on a volume", path)


def _is_ours(found: os.stat_result) -> bool:
    return sys.platform == "win32" or found.st_uid == os.geteuid()


def _restrict(descriptor: int, mode: int) -> None:
    if sys.platform != "win32":
        os.fchmod(descriptor, mode)
