"""The choice of the store: what `store=` names, and where the file lies unless told otherwise.

Holds `open_store` and `default_path`. Where no file can be written, a warning says what is lost.
"""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import warnings
from pathlib import Path

from agora_tencent_analytics.environment import unquoted
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.quota.memory_store import MemoryStore
from agora_tencent_analytics.quota.store import QuotaStore

_REDIS = ("redis", "rediss", "unix")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):(//|/[^/]|[^/\\]*@|$)", re.IGNORECASE)  # a drive has one letter
_SERVER = re.compile(r"[^/\\]*:\d+(/\d*)?$|.*(://|:\\\\|:[^/\\]*@|password=)", re.IGNORECASE | re.DOTALL)
"""A host with a port; or, whatever stands around it, a URL or a password."""


class QuotaNotPersisted(UserWarning):
    """The day count cannot be written to a file, so it is forgotten when the process ends."""


def default_path() -> Path:
    """The file in the user's state directory that quotas are kept in unless told otherwise.

    `$XDG_STATE_HOME` or `~/.local/state`; on Windows `%LOCALAPPDATA%`, on macOS `~/Library/Application Support`.
    """
    if sys.platform == "win32":
        state = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        state = Path.home() / "Library" / "Application Support"
    else:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "agora_tencent_analytics" / "quota.sqlite3"


def check_store(where: object) -> None:
    """Checks that this can name a store, without opening it.

    Raises:
        BadInput: it is of another type, the URL of something else than a Redis, or what no path can be.
    """
    if where is None or isinstance(where, QuotaStore):
        return
    if not isinstance(where, str | Path):
        raise BadInput(f"store must be a path, a URL, ':memory:' or a QuotaStore, not {type(where).__name__}")
    _is_redis(unquoted(where) if isinstance(where, str) else where)
    try:
        can_be = b"\0" not in os.fsencode(where)
    except UnicodeEncodeError:
        can_be = False
    if not can_be:
        raise BadInput("store is not a path: it holds a NUL or half a character")


def open_store(where: str | Path | QuotaStore | None = None) -> QuotaStore:
    """The store that `where` names; memory, with one `QuotaNotPersisted` warning, where no file can be written.

    Args:
        where: a store (returned as it is), the path of a file, `":memory:"`, the URL of a Redis (`redis://`,
            `rediss://` or `unix://`; needs the extra `redis`), or None for `default_path()`.

    Raises:
        BadInput: a URL is given and it is malformed, or of no Redis, or redis-py is not installed; or it is nothing
            of all that.
    """
    check_store(where)
    if isinstance(where, QuotaStore):
        return where
    if isinstance(where, str):
        where = unquoted(where)
    if where == ":memory:":
        return MemoryStore()
    if where is not None and _is_redis(where):
        from agora_tencent_analytics.quota.redis_store import RedisStore

        return RedisStore(str(where))
    from agora_tencent_analytics.quota.sqlite_store import SqliteStore

    path: Path | None = None
    try:
        path = default_path() if where is None else Path(where).expanduser()
        return SqliteStore(path)
    except (OSError, RuntimeError, sqlite3.Error) as error:
        named = "the user's state directory" if path is None else path
        warnings.warn(
            f"the quota cannot be kept in {named} ({error}): how many requests of the UTC day are spent, and which "
            "slots of the minute still rest, is forgotten when this process ends and not shared with other "
            'processes. Name a file that can be written, or ":memory:" if this is intended.',
            QuotaNotPersisted,
            stacklevel=2,
        )
        return MemoryStore()


def _is_redis(where: str | Path) -> bool:
    """True for the URL of a Redis.

    Raises:
        BadInput: it is the URL of something else, or looks like one. It may hold a password: no more than the scheme of
            it is repeated, and no file is named after it.
    """
    text = str(where)
    scheme = _SCHEME.match(text)
    if scheme and scheme[1] in _REDIS and scheme[2] == "//" and isinstance(where, str):
        return True
    if scheme and scheme[2] == "//":
        raise BadInput(
            f"store cannot be a {scheme[1]}:// URL; name a Redis (redis://, rediss:// or unix://), or a path"
        )
    if scheme or _SERVER.match(text):
        raise BadInput(
            "store looks like the address of a server and not like a path; that of a Redis is written "
            "redis://host:6379, as text"
        )
    return False
