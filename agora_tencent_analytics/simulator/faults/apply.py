"""What faults make of an answer that is ready to be sent.

Faults that end a request before there is an answer are the vendor's part, those of listings the listing's. Whatever
the order in which the faults were given, a body is garbled before it is compressed, and compressed before it is cut.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from email.utils import formatdate

import attrs

from agora_tencent_analytics.simulator.faults.answer import (
    Compress,
    Garble,
    Mislabel,
    Replace,
    SetHeader,
    Wrap,
    WrongDate,
)
from agora_tencent_analytics.simulator.faults.book import Fault
from agora_tencent_analytics.simulator.faults.connection import Drip, Stall, Truncate, WrongLength
from agora_tencent_analytics.simulator.http.exchange import Reply

_STAGES: tuple[type, ...] = (Garble, Replace, Wrap, Compress, Mislabel)
_GZIP = 31
_PIECE = 1 << 20


def spoil(reply: Reply, faults: Iterable[Fault], *, now: float) -> Reply:
    """The answer as it is sent.

    Args:
        reply: the answer.
        faults: those that strike its request; the ones that do not change answers are passed over.
        now: the vendor's clock, epoch seconds.
    """
    for fault in sorted(faults, key=_stage):
        match fault:
            case Garble(field=field, value=value):
                reply = attrs.evolve(reply, body=_garble(reply.body, field, value))
            case Replace(text=text, by=other, most=most):
                replaced = reply.body.replace(text.encode(), other.encode(), most)
                reply = attrs.evolve(reply, body=replaced)
            case Wrap(before=before, after=behind):
                reply = attrs.evolve(reply, body=before + reply.body + behind)
            case Compress():
                reply = attrs.evolve(reply, body=_compress(reply.body, fault))
                reply = _headed(reply, "Content-Encoding", fault.label)
            case SetHeader(name=name, value=value):
                reply = _headed(reply, name, value)
            case Mislabel(encoding=encoding):
                reply = _headed(reply, "Content-Encoding", encoding)
            case WrongDate(seconds=seconds):
                reply = _headed(reply, "Date", formatdate(now + seconds, usegmt=True))
            case Stall(seconds=seconds, in_body=False):
                reply = attrs.evolve(reply, stall_head_s=reply.stall_head_s + seconds)
            case Stall(seconds=seconds):
                reply = attrs.evolve(reply, stall_body_s=reply.stall_body_s + seconds)
            case Drip(size=size, every_s=seconds):
                reply = attrs.evolve(reply, piece=size, pause_s=seconds)
            case Truncate(keep=keep):
                reply = attrs.evolve(reply, cut_at=int(len(reply.body) * keep))
            case WrongLength(off_by=off_by):
                reply = attrs.evolve(reply, length=max(0, len(reply.body) + off_by))
            case _:
                pass
    return reply


def _stage(fault: Fault) -> int:
    return _STAGES.index(type(fault)) if isinstance(fault, _STAGES) else len(_STAGES)


def _headed(reply: Reply, name: str, value: str | None) -> Reply:
    others = {known: said for known, said in reply.headers.items() if known != name}
    return attrs.evolve(reply, headers=others if value is None else {**others, name: value})


def _garble(body: bytes, field: str, value: str) -> bytes:
    text, read = body.decode("utf-8", "surrogateescape"), json.JSONDecoder().raw_decode
    found, place = list[str](), 0
    for name in re.finditer(rf'"{re.escape(field)}"\s*:\s*', text):
        if name.start() < place:
            continue  # inside a value that is replaced already
        try:
            _, end = read(text, name.end())
        except (ValueError, RecursionError):
            continue  # garbled before, and no JSON any more
        found += [text[place : name.end()], value]
        place = end
    return "".join([*found, text[place:]]).encode("utf-8", "surrogateescape")


def _compress(body: bytes, how: Compress) -> bytes:
    gzip = zlib.compressobj(level=1, wbits=_GZIP)
    # Piece by piece: what bursts the client's memory must not burst the server's.
    padded = [gzip.compress(body)]
    padded += [gzip.compress(b" " * min(_PIECE, how.padding - done)) for done in range(0, how.padding, _PIECE)]
    whole = b"".join([*padded, gzip.flush()])
    return whole[: int(len(whole) * how.keep)]
