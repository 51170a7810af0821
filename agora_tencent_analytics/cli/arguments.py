"""What the command line takes; each command's own module does the work.

Nothing but argparse is imported before there are words to read, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from agora_tencent_analytics._version import __version__
from agora_tencent_analytics.agora import variables as agora
from agora_tencent_analytics.cli import values
from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.errors import BadInput, printable
from agora_tencent_analytics.secret import secret
from agora_tencent_analytics.tencent import variables as tencent

_PROGRAM = "agora-tencent-analytics"
_LONGEST_NAME = 24
_CALLS, _SEED = 20, 0
"""The simulated world, unless told otherwise."""

_EXAMPLES = {
    "": """
  %(prog)s scan --simulate                           # try it: no account needed
  %(prog)s scan --last 6h --vendor agora --plan premium
  %(prog)s forecast --last 7d                        # what that would cost""",
    "scan": """
  %(prog)s --simulate                                # a simulated app of each vendor
  %(prog)s --last 6h --vendor agora --plan premium
  %(prog)s --last yesterday --tz Europe/Berlin --out calls.jsonl
  %(prog)s --last 2h --channel class-7 --user 42
  %(prog)s --last 24h --ledger daily.ledger --out daily.jsonl --since-last-run""",
    "forecast": """
  %(prog)s --last 7d --vendor agora --depth metrics
  %(prog)s --last 7d --calls-expected 900 --sessions-per-call 6    # asks nothing""",
    "quota": """
  %(prog)s
  %(prog)s --vendor agora --plan premium""",
    "simulate": """
  %(prog)s --vendor agora --port 8021
  %(prog)s --vendor tencent --port 0 --plan advanced --count sliding""",
}

_Add = Callable[..., argparse.Action]
"""Adds an option to a group."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong before anything else, as text that steers no terminal: a script may have it from anywhere."""

    def __init__(self, **said: Any) -> None:
        super().__init__(**said)
        self._negative_number_matcher = re.compile(r"-\d+(:\d+|\.\d+)?$|-\.\d+$")  # `--tz -05:00` is a value too

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(message)}\n{self.prog} --help shows what it takes, with examples\n")


def _about(command: str, what: str) -> dict[str, Any]:
    return {
        "usage": f"%(prog)s {'[options]' if command else 'COMMAND [options]'}",
        "description": f"{what}\n\nexamples:{_EXAMPLES[command]}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
        "allow_abbrev": False,
    }


def parse(arguments: Sequence[str] | None = None) -> Options:
    """The options of one invocation.

    Raises:
        SystemExit: with status 2 for wrong usage, 0 for `--help` and `--version`.
    """
    needed = "".join(
        f"\n  {vendor:8} {' '.join(variable.name for variable in variables.values() if variable.required)}"
        for vendor, variables in (("agora", agora.VARIABLES), ("tencent", tencent.VARIABLES))
    )
    parser = _Parser(
        prog=_PROGRAM,
        epilog=f"credentials and plans come from the environment:{needed}",
        **_about("", "Reads call analytics from Agora Analytics and Tencent RTC."),
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands", prog=_PROGRAM)
    _scan(commands)
    _forecast(commands)
    _quota(commands)
    _simulate(commands)
    words = sys.argv[1:] if arguments is None else list(arguments)
    _refuse_unknown(parser, commands.choices, words)
    options, left = parser.parse_known_args(words, namespace=Options())
    command = commands.choices[options.command]
    if left:
        command.error(_not_taken(left, options.command))
    options.words = words
    try:
        _check(options)
    except BadInput as error:
        command.error(str(error))
    return options


def _check(options: Options) -> None:
    """Refuses what does not go together, and finds the range."""
    if options.api and options.vendor == "tencent":
        raise BadInput("--api is a generation of Agora's API, and --vendor is tencent")
    if options.command not in ("scan", "forecast"):
        return
    from agora_tencent_analytics.cli.ranges import range_of

    for name in ("calls", "seed", "impolite"):
        if getattr(options, name) is not None and not options.simulate:
            raise BadInput(f"--{name} needs --simulate")
    options.calls = _CALLS if options.calls is None else options.calls
    options.seed = _SEED if options.seed is None else options.seed
    options.impolite = options.impolite or 0.0
    if options.command == "scan" and options.force and (options.ledger or not options.out):
        why = "with --ledger, --out goes on as it was left" if options.ledger else "--force goes with --out"
        raise BadInput(f"{why}; leave --force out")
    options.over = range_of(options)


def _refuse_unknown(parser: _Parser, commands: dict[str, Any], words: list[str]) -> None:
    """Names an option or a command that is not there before anything is made of its value, which may be a secret."""
    command = next((word for word in words if not word.startswith("-")), "")
    chosen = commands.get(command, parser)
    own = _options(chosen)
    known = {name for one in (parser, *commands.values()) for name in _options(one)}
    for word in words:
        if word == "--":
            break
        if re.match(r"-[^\d.]", word) and word.partition("=")[0] not in known:
            name = _name(word)
            chosen.error(f"there is no option {name}{_meant(name, own)}")
    if command and chosen is parser:
        meant = _meant(command, commands) or f"; there are {', '.join(commands)}"
        named = command if re.fullmatch(r"[a-z]{1,16}", command) else "of that name"  # it may be a secret gone astray
        parser.error(f"there is no command {named}{meant}")


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [name for action in parser._actions for name in action.option_strings]


def _meant(word: str, names: Collection[str]) -> str:
    near = get_close_matches(word, names, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _not_taken(words: list[str], command: str) -> str:
    """What of the words a command does not take; the name of an option, and never a value."""
    names = [_name(word) for word in words if word.startswith("-")]
    if names:
        return f"{command} takes no {', '.join(names)}"
    return f"{command} takes no words beside its options, and {len(words)} stand there"


def _name(word: str) -> str:
    """The option that a word begins with, if that is all that it can be."""
    name = word.partition("=")[0]
    return name if re.fullmatch(r"--[a-z]+(-[a-z]+){0,3}", name) and len(name) <= _LONGEST_NAME else "of that name"


def _command(commands: argparse._SubParsersAction[_Parser], name: str, short: str, what: str) -> _Parser:
    return commands.add_parser(name, help=short, **_about(name, what))


def _scan(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = _command(commands, "scan", "read every call of a time range", "Reads every call of a time range.")
    _vendors(command)
    add = _range(command)
    add("--call", type=values.sent, action="append", metavar="ID", help="only this call (may be given again)")
    add = command.add_argument_group("where it goes").add_argument
    add("--out", metavar="FILE", help="write one JSON object per call, one to a line; - is standard output")
    add("--force", action="store_true", help="replace what --out holds already")
    add("--report", metavar="FILE", help="write the report as JSON")
    add = command.add_argument_group("going on later").add_argument
    add(
        "--ledger",
        metavar="FILE",
        help="remember what is done, so that the same command goes on after it was killed; --out is continued where "
        "it was left",
    )
    add(
        "--since-last-run",
        action="store_true",
        help="for a job that is run again and again with one --ledger: read what is new since its last run, and calls "
        "that were still running then; the first run reads --last",
    )
    add(
        "--look-back",
        type=values.length,
        metavar="1h",
        help="with --since-last-run: how long before the end of the last run calls may still have come late (default: "
        "1h)",
    )
    _allowance(command)
    _connection(command)
    _world(command)
    command.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _verbose(command)


def _forecast(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = _command(
        commands,
        "forecast",
        "tell what a scan will cost, and what fits",
        "Tells what a scan with the same options will cost, by a few requests or by stated numbers.",
    )
    _vendors(command)
    _range(command)
    add = command.add_argument_group("stated numbers").add_argument
    add(
        "--calls-expected",
        type=values.count,
        metavar="N",
        help="number of calls, with --sessions-per-call; then nothing is asked",
    )
    add("--sessions-per-call", type=values.count, metavar="M", help="sessions in each expected call")
    add("--minutes-per-call", type=float, default=30.0, metavar="T", help="length of each expected call (default: 30)")
    command.add_argument_group("where it goes").add_argument(
        "--report", metavar="FILE", help="write the forecast as JSON"
    )
    command.set_defaults(since_last_run=False)
    _allowance(command)
    _connection(command)
    _world(command)
    _verbose(command)


def _quota(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = _command(
        commands,
        "quota",
        "show what is left of the quota",
        "Shows what was used and is left of the quota. Reads the count on this machine, sends nothing.",
    )
    command.add_argument(
        "--check", action="store_true", help="also send the cheapest request that proves credentials, plan and address"
    )
    command.set_defaults(simulate=False, proxy=None, over=None)
    _vendors(command)
    _verbose(command)


def _verbose(command: argparse.ArgumentParser) -> None:
    command.add_argument("--verbose", action="store_true", help="say more on standard error")


def _vendors(command: argparse.ArgumentParser) -> None:
    add = command.add_argument_group("whom to ask").add_argument
    add(
        "--vendor",
        type=values.vendor,
        metavar="V",
        help="whom to ask: agora, tencent, both, or a vendor that another package brings (default: whose credentials "
        "are set, of agora and tencent)",
    )
    add("--plan", action="append", default=[], metavar="P", help="the plan: P for one vendor, or agora=P and tencent=P")
    _api(add)


def _api(add: _Add) -> None:
    add("--api", choices=agora.GENERATIONS, help=f"generation of Agora's API (default: {agora.GENERATIONS[0]})")


def _range(command: argparse.ArgumentParser) -> _Add:
    add = command.add_argument_group("what to read").add_argument
    add(
        "--last",
        type=values.last,
        metavar="6h",
        help="the last seconds, minutes, hours or days: 90s 30m 1h30m 2d; or a day: today, yesterday, 2026-11-29",
    )
    add(
        "--start",
        type=values.instant,
        metavar="T",
        help="start of the range: a date (its midnight), ISO 8601 with a zone, or epoch seconds",
    )
    add("--end", type=values.instant, metavar="T", help="end of the range, excluded")
    add(
        "--tz",
        type=values.zone,
        metavar="ZONE",
        help="where days and times without a zone are meant: Europe/Berlin, UTC, +08:00 (days: this machine's zone)",
    )
    add("--channel", type=values.sent, help="only this channel or room")
    add("--user", type=values.sent, action="append", metavar="ID", help="only this user (may be given again)")
    add(
        "--frozen-from",
        type=values.frozen_from,
        metavar="10%",
        help="only calls whose audio or video was frozen for at least this share of the time; Agora's listing alone "
        "says so, so none of Tencent's",
    )
    add(
        "--depth",
        choices=("calls", "sessions", "metrics"),
        help="how deep to read (default: as deep as the vendor answers, which is metrics)",
    )
    return add


def _allowance(command: argparse.ArgumentParser) -> None:
    add = command.add_argument_group("what it may cost").add_argument
    add("--budget", type=values.count, metavar="N", help="send no more than N requests")
    add(
        "--on-quota",
        choices=("stop", "wait"),
        default="stop",
        help="when the day's requests are spent: stop there, or wait for midnight UTC (default: stop)",
    )


def _connection(command: argparse.ArgumentParser) -> None:
    command.add_argument_group("the connection").add_argument(
        "--proxy",
        type=secret,
        metavar="URL",
        help="the proxy to ask through, http://host:3128; an empty one: none (default: what HTTPS_PROXY, ALL_PROXY and "
        "NO_PROXY say, where a password is better kept)",
    )


def _world(command: argparse.ArgumentParser) -> None:
    add = command.add_argument_group("simulated vendors").add_argument
    add(
        "--simulate",
        action="store_true",
        help="ask the embedded simulator instead of the vendors, about the eight hours before the last noon or "
        "midnight UTC; --last ends with them",
    )
    add("--calls", type=values.count, metavar="N", help=f"calls in the world of each vendor (default: {_CALLS})")
    add("--seed", type=int, metavar="S", help=f"seed of the world (default: {_SEED})")
    _impolite(add, default=None)


def _impolite(add: _Add, *, default: float | None) -> None:
    add(
        "--impolite",
        type=values.share,
        nargs="?",
        const=0.2,
        default=default,
        metavar="SHARE",
        help="let this share of the simulated rows and answers be malformed, contradict others or come twice (0.2 if "
        "no share is given)",
    )


def _simulate(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = _command(commands, "simulate", "serve a simulated vendor", "Serves a simulated vendor until interrupted.")
    add = command.add_argument_group("what is served").add_argument
    add("--vendor", choices=("agora", "tencent"), required=True, help="which vendor (must be given)")
    add("--port", type=values.port, required=True, metavar="P", help="port to listen on; 0 takes a free one")
    add("--host", default="127.0.0.1", metavar="H", help="address to listen on (default: 127.0.0.1)")
    _api(add)
    add = command.add_argument_group("its limits").add_argument
    add("--plan", metavar="P", help="plan whose limits are enforced (default: the highest)")
    add(
        "--count",
        choices=("fixed", "sliding", "bucket"),
        default="fixed",
        help="how requests are counted (default: fixed)",
    )
    add(
        "--latency",
        type=values.milliseconds,
        default=0.0,
        metavar="MS",
        help="milliseconds of round trip added (default: 0)",
    )
    add = command.add_argument_group("its world").add_argument
    add("--seed", type=int, default=_SEED, metavar="S", help=f"seed of the world (default: {_SEED})")
    add("--calls", type=values.count, default=_CALLS, metavar="N", help=f"calls in the world (default: {_CALLS})")
    _impolite(add, default=0.0)
    _verbose(command)
