"""What the command line takes; each command's own module does the work.

Nothing but argparse is imported before there are words to read, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from agora_tencent_analytics._version import __version__
from agora_tencent_analytics.agora import variables as agora
from agora_tencent_analytics.cli import values
from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.errors import BadInput, printable
from agora_tencent_analytics.secret import secret
from agora_tencent_analytics.tencent import variables as tencent

if TYPE_CHECKING:
    from agora_tencent_analytics.scan.since import Since
    from agora_tencent_analytics.timerange import Last, TimeRange


_LONGEST_NAME = 24


class _Parser(argparse.ArgumentParser):
    """Quotes wrong words as text that steers no terminal: a script may have them from anywhere."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def _parser(**said: Any) -> argparse.ArgumentParser:
    return _Parser(allow_abbrev=False, **said)


def parse(arguments: Sequence[str] | None = None) -> Options:
    """The options of one invocation.

    Raises:
        SystemExit: with status 2 for wrong usage, 0 for `--help` and `--version`.
    """
    needed = (
        " ".join(variable.name for variable in variables.values() if variable.required)
        for variables in (agora.VARIABLES, tencent.VARIABLES)
    )
    parser = _parser(
        prog="agora-tencent-analytics",
        description="Reads call analytics from Agora Analytics and Tencent RTC.",
        epilog=f"Credentials come from the environment: {'; '.join(needed)}.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _scan(commands)
    _forecast(commands)
    _quota(commands)
    _simulate(commands)
    words = sys.argv[1:] if arguments is None else list(arguments)
    _refuse_unknown(parser, commands, words)
    options, left = parser.parse_known_args(words, namespace=Options())
    if left:
        parser.error(_not_taken(left, options.command))
    try:
        if options.command in ("scan", "forecast"):
            options.over = _over(options)
            if options.impolite and not options.simulate:
                raise BadInput("--impolite goes with --simulate")
        if options.api and options.vendor == "tencent":
            raise BadInput("--api is a generation of Agora's API, and --vendor is tencent")
        if options.command == "scan":
            options.over = _since(options, options.over)
    except BadInput as error:
        parser.error(str(error))
    return options


def _refuse_unknown(
    parser: argparse.ArgumentParser, commands: argparse._SubParsersAction[argparse.ArgumentParser], words: list[str]
) -> None:
    """Names an option that no command has before anything is made of the word behind it, which may be a secret."""
    parsers = [parser, *commands.choices.values()]
    known = {name for one in parsers for action in one._actions for name in action.option_strings}
    for word in words:
        if word == "--":
            break
        if re.match(r"-[^\d.]", word) and word.partition("=")[0] not in known:
            parser.error(f"there is no option {_name(word)}")


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


def _scan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "scan", help="read every call of a time range", description="Reads every call of a time range."
    )
    _whom(command)
    _what(command)
    command.add_argument(
        "--call", type=values.sent, action="append", metavar="ID", help="only this call (may be given again)"
    )
    command.add_argument("--out", metavar="FILE", help="write one JSON object per call, one to a line")
    command.add_argument("--report", metavar="FILE", help="write the report as JSON")
    command.add_argument(
        "--ledger",
        metavar="FILE",
        help="remember what is done, so that the same command goes on after it was killed; --out is continued where "
        "it was left",
    )
    command.add_argument(
        "--since-last-run",
        action="store_true",
        help="for a job that is run again and again with one --ledger: read what is new since its last run, and calls "
        "that were still running then; the first run reads --last",
    )
    command.add_argument(
        "--look-back",
        type=values.length,
        metavar="1h",
        help="with --since-last-run: how long before the end of the last run calls may still have come late (default: "
        "1h)",
    )
    _allowance(command)
    _way(command)
    _world(command)
    command.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    command.add_argument("--verbose", action="store_true", help="say more on standard error")


def _forecast(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "forecast",
        help="tell what a scan will cost, and what fits",
        description="Tells what a scan with the same options will cost, by a few requests or by stated numbers.",
    )
    _whom(command)
    _what(command)
    _allowance(command)
    command.add_argument(
        "--calls-expected",
        type=values.count,
        metavar="N",
        help="number of calls, with --sessions-per-call; then nothing is asked",
    )
    command.add_argument("--sessions-per-call", type=values.count, metavar="M", help="sessions in each expected call")
    command.add_argument(
        "--minutes-per-call", type=float, default=30.0, metavar="T", help="length of each expected call (default: 30)"
    )
    command.add_argument("--report", metavar="FILE", help="write the forecast as JSON")
    _way(command)
    _world(command)
    command.add_argument("--verbose", action="store_true", help="say more on standard error")


def _quota(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "quota",
        help="show what is left of the quota",
        description="Shows what was used and is left of the quota. Reads the count on this machine, sends nothing.",
    )
    command.set_defaults(simulate=False, proxy=None)
    _whom(command)
    command.add_argument("--verbose", action="store_true", help="say more on standard error")


def _whom(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--vendor",
        type=values.vendor,
        metavar="V",
        help="whom to ask: agora, tencent, both, or a vendor that another package brings (default: whose credentials "
        "are set, of agora and tencent)",
    )
    command.add_argument(
        "--plan", action="append", default=[], metavar="P", help="the plan: P for one vendor, or agora=P and tencent=P"
    )
    _api(command)


def _api(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--api", choices=agora.GENERATIONS, help=f"generation of Agora's API (default: {agora.GENERATIONS[0]})"
    )


def _what(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--last", type=values.length, metavar="6h", help="the last seconds, minutes, hours or days: 90s 30m 6h 2d"
    )
    command.add_argument(
        "--start", type=values.instant, metavar="T", help="start of the range, ISO 8601 with zone or epoch seconds"
    )
    command.add_argument("--end", type=values.instant, metavar="T", help="end of the range, excluded")
    command.add_argument("--channel", type=values.sent, help="only this channel or room")
    command.add_argument(
        "--user", type=values.sent, action="append", metavar="ID", help="only this user (may be given again)"
    )
    command.add_argument(
        "--frozen-from",
        type=values.frozen_from,
        metavar="8.71%",
        help="only calls whose audio or video was frozen for at least this share of the time; Agora's listing alone "
        "says so, so none of Tencent's",
    )
    command.add_argument(
        "--depth",
        choices=("calls", "sessions", "metrics"),
        help="how deep to read (default: as deep as the vendor answers, which is metrics)",
    )


def _allowance(command: argparse.ArgumentParser) -> None:
    command.add_argument("--budget", type=values.count, metavar="N", help="send no more than N requests")
    command.add_argument(
        "--on-quota",
        choices=("stop", "wait"),
        default="stop",
        help="when the day's requests are spent: stop there, or wait for midnight UTC (default: stop)",
    )


def _way(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--proxy",
        type=secret,
        metavar="URL",
        help="the proxy to ask through, http://host:3128; an empty one: none (default: what HTTPS_PROXY, ALL_PROXY and "
        "NO_PROXY say, where a password is better kept)",
    )


def _world(command: argparse.ArgumentParser) -> None:
    command.add_argument("--simulate", action="store_true", help="ask the embedded simulator instead of the vendors")
    command.add_argument(
        "--calls",
        type=values.count,
        default=20,
        metavar="N",
        help="calls in the simulated world of each vendor (default: 20)",
    )
    command.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the simulated world (default: 0)")
    _impolite(command)


def _impolite(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--impolite",
        type=values.share,
        nargs="?",
        const=0.2,
        default=0.0,
        metavar="SHARE",
        help="let this share of the simulated rows and answers be malformed, contradict others or come twice (0.2 if "
        "no share is given)",
    )


def _simulate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "simulate", help="serve a simulated vendor", description="Serves a simulated vendor until interrupted."
    )
    command.add_argument("--vendor", choices=("agora", "tencent"), required=True, help="which vendor")
    command.add_argument(
        "--port", type=values.port, required=True, metavar="P", help="port to listen on; 0 takes a free one"
    )
    command.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen on (default: 127.0.0.1)")
    command.add_argument("--plan", metavar="P", help="plan whose limits are enforced (default: the highest)")
    _api(command)
    command.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the world (default: 0)")
    command.add_argument("--calls", type=values.count, default=20, metavar="N", help="calls in the world (default: 20)")
    _impolite(command)
    command.add_argument(
        "--count",
        choices=("fixed", "sliding", "bucket"),
        default="fixed",
        help="how requests are counted (default: fixed)",
    )
    command.add_argument(
        "--latency",
        type=values.milliseconds,
        default=0.0,
        metavar="MS",
        help="milliseconds of round trip added (default: 0)",
    )
    command.add_argument("--verbose", action="store_true", help="say more on standard error")


def _over(options: Options) -> TimeRange | Last:
    from agora_tencent_analytics.timerange import Last, TimeRange

    fixed = (options.start, options.end)
    if options.last is not None and fixed != (None, None):
        raise BadInput("give either --last or --start and --end, not both")
    if options.last is None and fixed == (None, None):
        if options.simulate:
            return Last(hours=24)
        raise BadInput("give the range: --last 6h, or --start T --end T")
    if options.last is not None:
        return Last(seconds=options.last)
    if None in fixed:
        raise BadInput("--start and --end go together")
    over = TimeRange(*fixed)
    if over.start >= time.time():
        raise BadInput(f"the range {over} lies in the future: nothing to read")
    return over


def _since(options: Options, over: TimeRange | Last) -> TimeRange | Last | Since:
    from agora_tencent_analytics.scan.since import Since
    from agora_tencent_analytics.timerange import Last

    if not options.since_last_run:
        if options.look_back is not None:
            raise BadInput("--look-back goes with --since-last-run")
        return over
    if options.ledger is None or not isinstance(over, Last) or options.call:
        raise BadInput("--since-last-run needs --ledger and --last, and takes no --call")
    look_back = {} if options.look_back is None else {"look_back_s": int(options.look_back)}
    return Since(first=over, **look_back)
