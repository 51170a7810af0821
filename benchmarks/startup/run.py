"""What starting costs: processor time of whole processes, as multiples of importing aiohttp, interleaved.

    python -m benchmarks.startup.run [--quick]

Each program is run in a process of its own, after one round that is not counted, and writes the bytecode; a bare
interpreter is subtracted from everything. Those that send a request send it to a canned server on loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from contextlib import ExitStack
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.path.run import Process

BARE_REQUEST = """
import asyncio, base64, json, os, aiohttp
async def main():
    told = json.loads(os.environ["CANNED"])
    keys = told["agora"]["credentials"]
    pair = f"{keys['customer_id']}:{keys['customer_secret']}".encode()
    headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    async with aiohttp.ClientSession(headers=headers) as session:
        range_ = {"start_ts": told["start"], "end_ts": told["start"] + 3600}
        query = {"app_id": keys["app_id"], **range_, "page_no": 1, "page_size": 100}
        async with session.get(told["agora"]["base_url"] + "/beta/analytics/call/lists", params=query) as response:
            assert response.status == 200, await response.text()
            json.loads(await response.read())
asyncio.run(main())
"""
OUR_REQUEST = """
import asyncio, json, os
from agora_tencent_analytics import AgoraProvider, TimeRange, scan
async def main():
    told = json.loads(os.environ["CANNED"])
    async with AgoraProvider(
        **told["agora"]["credentials"], plan="unlimited", base_url=told["agora"]["base_url"], store=":memory:"
    ) as agora:
        await agora.calls(TimeRange(told["start"], told["start"] + 3600)).first()
asyncio.run(main())
"""
PROGRAMS = {
    "import aiohttp": "import aiohttp",
    "aiohttp and one request": BARE_REQUEST,
    "AgoraProvider, scan and one request": OUR_REQUEST,
    "import agora_tencent_analytics": "import agora_tencent_analytics",
    "from agora_tencent_analytics import TimeRange": "from agora_tencent_analytics import TimeRange",
    "from agora_tencent_analytics import AgoraProvider": "from agora_tencent_analytics import AgoraProvider",
    "import argparse": "import argparse",
    "--help": "import sys; sys.argv = ['agora-tencent-analytics', '--help']; "
    "from agora_tencent_analytics.__main__ import main; main()",
}


_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def cpu_ms(program: str, canned: str) -> float:
    """Processor time of one process, children's figures of `os.wait4`."""
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        env=_ENVIRONMENT | {"CANNED": canned},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"failed: {program}")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    words.add_argument("--quick", action="store_true", help="five rounds, not fifteen")
    rounds = 5 if words.parse_args().quick else 15
    costs: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with ExitStack() as stack:
        # The first round writes the bytecode, which installed packages have.
        _ENVIRONMENT["PYTHONPYCACHEPREFIX"] = stack.enter_context(TemporaryDirectory())
        server = Process(stack, "benchmarks.path.vendor", json.dumps({"calls": 30}))
        canned = json.dumps(server.line())
        for number in range(rounds + 1):
            nothing = cpu_ms("pass", canned)
            for name, program in PROGRAMS.items():
                cost = cpu_ms(program, canned) - nothing
                if number:
                    costs[name].append(cost)
    print(f"Python {platform.python_version()}; processor time over a bare interpreter, medians of {rounds} rounds")
    aiohttp, request = costs["import aiohttp"], costs["aiohttp and one request"]
    for name, mine in costs.items():
        to_import = median(a / b for a, b in zip(mine, aiohttp, strict=True))
        to_request = median(a / b for a, b in zip(mine, request, strict=True))
        print(
            f"{name:52} {median(mine):6.0f} ms  {to_import:5.2f} of the import  {to_request:5.2f} of import and request"
        )


if __name__ == "__main__":
    main()
