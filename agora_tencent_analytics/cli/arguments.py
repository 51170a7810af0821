"""What the command line takes; each command's own module does the work.

Nothing but argparse is imported before there are words to read, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, NoReturn

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

_HELP = {
    "--vendor": "whom to ask: agora, tencent, both, or a vendor that another package brings (default: whose "
    "credentials are set, of agora and tencent)",
    "--plan": "the plan: P for one vendor, or agora=P and tencent=P",
    "--api": f"generation of Agora's API (default: {agora.GENERATIONS[0]})",
    "--last": "the last seconds, minutes, hours or days: 90s 30m 1h30m 2d; or a day: today, yesterday, 2026-11-29",
    "--start": "start of the range: a date (its midnight), ISO 8601 with a zone, or epoch seconds",
    "--end": "end of the range, excluded",
    "--tz": "where days and times without a zone are meant: Europe/Berlin, UTC, +08:00 (days: this machine's zone)",
    "--channel": "only this channel or room",
    "--user": "only this user (may be given again)",
    "--frozen-from": "only calls whose audio or video was frozen for at least this share of the time; Agora's "
    "listing alone says so, so none of Tencent's",
    "--depth": "how deep to read (default: as deep as the vendor answers, which is metrics)",
    "--call": "only this call (may be given again)",
    "--calls-expected": "number of calls, with --sessions-per-call; then nothing is asked",
    "--sessions-per-call": "sessions in each expected call",
    "--minutes-per-call": "length of each expected call (default: 30)",
    "--out": "write one JSON object per call, one to a line; - is standard output",
    "--force": "replace what --out holds already",
    "--report": "write the report as JSON",
    "--ledger": "remember what is done, so that the same command goes on after it was killed; --out is continued "
    "where it was left",
    "--since-last-run": "for a job that is run again and again with one --ledger: read what is new since its last run, "
    "and calls that were still running then; the first run reads --last",
    "--look-back": "with --since-last-run: how long before the end of the last run calls may still have come late "
    "(default: 1h)",
    "--budget": "send no more than N requests",
    "--on-quota": "when the day's requests are spent: stop there, or wait for midnight UTC (default: stop)",
    "--proxy": "the proxy to ask through, http://host:3128; an empty one: none (default: what HTTPS_PROXY, "
    "ALL_PROXY and NO_PROXY say, where a password is better kept)",
    "--simulate": "ask the embedded simulator instead of the vendors, about the eight hours before the last noon or "
    "midnight UTC; --last ends with them",
    "--calls": f"calls in the world of each vendor (default: {_CALLS})",
    "--seed": f"seed of the world (default: {_SEED})",
    "--impolite": "let this share of the simulated rows and answers be malformed, contradict others or come twice "
    "(0.2 if no share is given)",
    "--check": "also send the cheapest request that proves credentials, plan and address",
    "--port": "port to listen on; 0 takes a free one",
    "--host": "address to listen on (default: 127.0.0.1)",
    "--count": "how requests are counted (default: fixed)",
    "--latency": "milliseconds of round trip added (default: 0)",
    "--version": "show program's version number and exit",
    "--verbose": "say more on standard error",
    # where a command means something else by it
    "forecast --report": "write the forecast as JSON",
    "simulate --vendor": "which vendor (must be given)",
    "simulate --plan": "plan whose limits are enforced (default: the highest)",
    "simulate --calls": f"calls in the world (default: {_CALLS})",
}
"""What `--help` says of each option."""
_HOW: Mapping[str, Mapping[str, Any]] = {
    "--vendor": {"type": values.vendor, "metavar": "V"},
    "--plan": {"action": "append", "default": [], "metavar": "P"},
    "--api": {"choices": agora.GENERATIONS},
    "--last": {"type": values.last, "metavar": "6h"},
    "--start": {"type": values.instant, "metavar": "T"},
    "--end": {"type": values.instant, "metavar": "T"},
    "--tz": {"type": values.zone, "metavar": "ZONE"},
    "--channel": {"type": values.sent},
    "--user": {"type": values.sent, "action": "append", "metavar": "ID"},
    "--frozen-from": {"type": values.frozen_from, "metavar": "10%"},
    "--depth": {"choices": ("calls", "sessions", "metrics")},
    "--call": {"type": values.sent, "action": "append", "metavar": "ID"},
    "--calls-expected": {"type": values.count, "metavar": "N"},
    "--sessions-per-call": {"type": values.count, "metavar": "M"},
    "--minutes-per-call": {"type": float, "default": 30.0, "metavar": "T"},
    "--look-back": {"type": values.length, "metavar": "1h"},
    "--budget": {"type": values.count, "metavar": "N"},
    "--on-quota": {"choices": ("stop", "wait"), "default": "stop"},
    "--proxy": {"type": secret, "metavar": "URL"},
    "--calls": {"type": values.count, "metavar": "N"},
    "--seed": {"type": int, "metavar": "S"},
    "--impolite": {"type": values.share, "nargs": "?", "const": 0.2, "metavar": "SHARE"},
    "--port": {"type": values.port, "required": True, "metavar": "P"},
    "--host": {"type": values.host, "default": "127.0.0.1", "metavar": "H"},
    "--count": {"choices": ("fixed", "sliding", "bucket"), "default": "fixed"},
    "--latency": {"type": values.milliseconds, "default": 0.0, "metavar": "MS"},
    "--version": {"action": "version", "version": f"%(prog)s {__version__}"},
    **{option: {"metavar": "FILE"} for option in ("--out", "--report", "--ledger")},
    "simulate --vendor": {"choices": ("agora", "tencent"), "required": True},
    "simulate --plan": {"metavar": "P"},
}
"""How each option is read; those that have no row take no value."""
_FLAG = {"action": "store_true"}


class _Command(NamedTuple):
    """A command."""

    short: str
    """What it does, among the others."""
    what: str
    """What it does, in a sentence."""
    groups: Mapping[str, str]
    """What it takes, by the titles that `--help` gives them."""


_WHOM = {"whom to ask": "--vendor --plan --api"}
_WHAT = "--last --start --end --tz --channel --user --frozen-from --depth"
_HOW_FAR = {
    "what it may cost": "--budget --on-quota",
    "the connection": "--proxy",
    "simulated vendors": "--simulate --calls --seed --impolite",
}
_COMMANDS = {
    "scan": _Command(
        "read every call of a time range",
        "Reads every call of a time range.",
        {
            **_WHOM,
            "what to read": f"{_WHAT} --call",
            "where it goes": "--out --force --report",
            "going on later": "--ledger --since-last-run --look-back",
            **_HOW_FAR,
            "": "--version --verbose",
        },
    ),
    "forecast": _Command(
        "tell what a scan will cost, and what fits",
        "Tells what a scan with the same options will cost, by a few requests or by stated numbers.",
        {
            **_WHOM,
            "what to read": _WHAT,
            "stated numbers": "--calls-expected --sessions-per-call --minutes-per-call",
            "where it goes": "--report",
            **_HOW_FAR,
            "": "--verbose",
        },
    ),
    "quota": _Command(
        "show what is left of the quota",
        "Shows what was used and is left of the quota. Reads the count on this machine, sends nothing.",
        {"": "--check --verbose", **_WHOM},
    ),
    "simulate": _Command(
        "serve a simulated vendor",
        "Serves a simulated vendor until interrupted.",
        {
            "what is served": "--vendor --port --host --api",
            "its limits": "--plan --count --latency",
            "its world": "--seed --calls --impolite",
            "": "--verbose",
        },
    ),
}


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
    parser.add_argument("--version", **_HOW["--version"])
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands", prog=_PROGRAM)
    for name, one in _COMMANDS.items():
        _add(commands.add_parser(name, help=one.short, **_about(name, one.what)), name, one.groups)
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
    if options.command == "quota":
        return
    for name in ("calls", "seed", "impolite"):
        if getattr(options, name) is not None and not (options.simulate or options.command == "simulate"):
            raise BadInput(f"--{name} needs --simulate")
    options.calls = options.calls or _CALLS
    options.seed = options.seed or _SEED
    options.impolite = options.impolite or 0.0
    if options.command == "simulate":
        return
    from agora_tencent_analytics.cli.ranges import range_of

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


def _add(command: _Parser, name: str, groups: Mapping[str, str]) -> None:
    for title, options in groups.items():
        group = command.add_argument_group(title) if title else command
        for option in options.split():
            own = f"{name} {option}"
            how = _HOW.get(own) or _HOW.get(option, _FLAG)
            group.add_argument(option, help=_HELP.get(own) or _HELP[option], **how)
