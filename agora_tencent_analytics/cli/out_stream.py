"""`OutStream`: where records go that have no file of their own: standard output, a pipe, a terminal, a device.

Nothing is ever cut there, and nothing waits in a way that a signal could not end: a FIFO without a reader, or a pipe
whose reader is slow.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.scan import CallRecord
from agora_tencent_analytics.scan.json_lines import record_pieces
from agora_tencent_analytics.storage.files import standard_stream

_READER_S = 10.0
"""How long a FIFO is given to find a reader."""
_ASK_AGAIN_S = 0.05
_AT_ONCE = getattr(select, "PIPE_BUF", 512)
"""Bytes that go into a pipe without waiting once there is room."""
_GATHERED = 1 << 16


class OutStream:
    """Records, a line each.

    Args:
        descriptor: where they go.
        standard: True if that is standard output, which then holds records alone.
    """

    elsewhere = ""
    """Nothing goes on here that was begun before."""

    def __init__(self, descriptor: int, *, standard: bool = False) -> None:
        self._descriptor = descriptor
        self.standard = standard
        mode = os.fstat(descriptor).st_mode
        waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)
        self._waits = waits and sys.platform != "win32"

    async def write(self, record: CallRecord) -> None:
        """Writes a record."""
        gathered = bytearray()
        for piece in record_pieces(record):
            gathered += piece
            if len(gathered) >= _GATHERED:
                await self._send(gathered)
                gathered.clear()
        await self._send(gathered)

    async def _send(self, text: bytearray) -> None:
        left = bytes(text)
        while left:
            if self._waits:
                await anyio.wait_writable(self._descriptor)
                left = left[os.write(self._descriptor, left[:_AT_ONCE]) :]
            else:
                left = left[os.write(self._descriptor, left) :]


@asynccontextmanager
async def out_stream(path: str | None, *, ledger: bool) -> AsyncIterator[OutStream | None]:
    """What a path names, if that is not a file of its own.

    Args:
        path: `-` is standard output.
        ledger: True if a ledger is to follow it.

    Raises:
        BadInput: it cannot be written; or a ledger cannot follow it.
    """
    standard = None if path is None else standard_stream(path)
    if path is None or (standard is None and not _is_stream(path)):
        yield None
        return
    if ledger:
        raise BadInput(
            f"{path} is not a regular file, so it cannot be truncated; with --ledger, --out needs one that can"
        )
    if standard is not None:
        (sys.stdout if standard == 1 else sys.stderr).flush()
        yield OutStream(standard, standard=standard == 1)
        return
    try:
        descriptor = await _opened(path)
    except OSError as error:
        raise BadInput(f"cannot write {error.filename or path}: {error.strerror or error}") from None
    try:
        yield OutStream(descriptor)
    finally:
        os.close(descriptor)


def _is_stream(path: str) -> bool:
    try:
        mode = os.stat(path).st_mode
    except OSError:  # missing, or whatever it is: opening it will tell
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


async def _opened(path: str) -> int:
    flags = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0)
    with anyio.move_on_after(_READER_S):
        while True:
            try:
                descriptor = os.open(path, flags)
            except OSError as error:
                if not stat.S_ISFIFO(os.stat(path).st_mode) or error.errno != errno.ENXIO:
                    raise
                await anyio.sleep(_ASK_AGAIN_S)
            else:
                if flags & getattr(os, "O_NONBLOCK", 0):
                    os.set_blocking(descriptor, True)
                return descriptor
    raise BadInput(f"nobody reads {path}, a FIFO, for {_READER_S:g} s now; start its reader first")
