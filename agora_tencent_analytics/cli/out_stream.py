"""`OutStream`: where records go that have no file of their own: a standard stream, wherever it leads.

Nothing is ever cut there, and nothing waits in a way that a signal could not end, as on a pipe whose reader is slow.
"""

from __future__ import annotations

import os
import select
import stat
import sys

import anyio

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.scan import CallRecord
from agora_tencent_analytics.scan.json_lines import record_pieces
from agora_tencent_analytics.storage.files import standard_stream

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


def out_stream(path: str | None, *, ledger: bool) -> OutStream | None:
    """What a path names, if that is a standard stream; None for what must be a file of its own.

    Args:
        path: `-` is standard output.
        ledger: True if a ledger is to follow it.

    Raises:
        BadInput: a ledger cannot follow it.
    """
    standard = None if path is None else standard_stream(path)
    if standard is None:
        return None
    if ledger:
        raise BadInput(
            f"{path} is not a regular file, so it cannot be truncated; with --ledger, --out needs one that can"
        )
    (sys.stdout if standard == 1 else sys.stderr).flush()
    return OutStream(standard, standard=standard == 1)
