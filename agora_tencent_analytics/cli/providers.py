"""The providers that the options of a command ask for: from the environment, or of the embedded simulator."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from agora_tencent_analytics.agora.provider import AgoraProvider
from agora_tencent_analytics.cli.options import Options
from agora_tencent_analytics.cli.plugins import plugin
from agora_tencent_analytics.environment import EnvironmentVariable, unquoted, unset
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.http.transport import AiohttpTransport
from agora_tencent_analytics.limits import Plan
from agora_tencent_analytics.provider import Provider
from agora_tencent_analytics.scan.options import Since
from agora_tencent_analytics.secret import Secret
from agora_tencent_analytics.tencent.provider import TencentProvider

if TYPE_CHECKING:
    from agora_tencent_analytics.simulator import SimulatedAgora, SimulatedTencent, World

_STORE = "ANALYTICS_QUOTA_STORE"
"""Where requests are counted: a file, or the URL of a Redis. Not an option: a URL may hold a password."""
_PROVIDERS: Mapping[str, type[AgoraProvider] | type[TencentProvider]] = {
    "agora": AgoraProvider,
    "tencent": TencentProvider,
}
_LISTINGS = {"agora": "call/lists", "tencent": "DescribeRoomInfo"}
"""The row of a plan without which it lists no calls."""


@asynccontextmanager
async def providers_of(options: Options) -> AsyncIterator[tuple[list[Provider], World | None]]:
    """The providers, open, and the world that they are asked about if it is simulated.

    Where the options do not say how deep to read, they do now: as deep as all of these providers answer.

    Raises:
        BadInput: there are no credentials, or the plans given are wrong.
    """
    vendors = _vendors(options)
    plans = _plans(options, vendors)
    if options.api and "agora" not in vendors:
        raise BadInput("--api is a generation of Agora's API, and agora is not asked")
    own: dict[str, dict[str, Any]] = {vendor: {"plan": plans[vendor]} if vendor in plans else {} for vendor in vendors}
    if options.api:
        own["agora"]["api"] = options.api
    world: World | None = None
    async with AsyncExitStack() as stack:
        if options.simulate:
            world, servers = _simulated(options, own)
            for server in servers:
                await stack.enter_async_context(server)
            providers: list[Provider] = [server.provider() for server in servers]
        else:
            _check_plans(vendors, plans)
            providers = [_real(vendor, given, options.proxy) for vendor, given in own.items()]
        options.depth = options.depth or _deepest(providers)
        for provider in providers:
            await stack.enter_async_context(provider)
        yield providers, world


def _vendors(options: Options) -> list[str]:
    if options.vendor == "both" or (options.vendor is None and options.simulate):
        return list(_PROVIDERS)
    if options.vendor is not None:
        if options.simulate and options.vendor not in _PROVIDERS:
            raise BadInput(f"--simulate has {' and '.join(_PROVIDERS)}, and no {options.vendor}")
        return [options.vendor]
    needed = {vendor: _credentials(provider) for vendor, provider in _PROVIDERS.items()}
    found = [vendor for vendor, variables in needed.items() if not unset(variables)]
    if not found:
        begun = [variables for variables in needed.values() if any(os.environ.get(one.name) for one in variables)]
        wanted = "; ".join(
            f"{vendor}: {' '.join(one.name for one in variables)}" for vendor, variables in needed.items()
        )
        said = "; ".join(map(unset, begun)) or f"no credentials in the environment; set those of a vendor ({wanted})"
        or_else = "" if options.command == "quota" else ", or use --simulate"
        raise BadInput(f"{said}{or_else}")
    return found


def _credentials(provider: type[Provider]) -> list[EnvironmentVariable]:
    """What must be set for a vendor to be asked: whose data it is, and the keys to it."""
    return [one for one in provider.environment.values() if one.required and one.kind != "setting"]


def _plans(options: Options, vendors: list[str]) -> dict[str, str]:
    """The plans given, by vendor."""
    plans = {}
    for text in options.plan:
        vendor, named, plan = text.partition("=")
        if not named:
            if len(vendors) > 1:
                raise BadInput(f"--plan {text} does not say whose; write --plan agora=P --plan tencent=P")
            vendor, plan = vendors[0], text
        if vendor not in vendors or not plan or vendor in plans:
            raise BadInput(f"--plan {text}: one plan for each of {', '.join(vendors)}")
        plans[vendor] = plan
    return plans


def _check_plans(vendors: list[str], plans: Mapping[str, str]) -> None:
    """Names the plans that there are where none is given, or one that is not among them."""
    for vendor in filter(_PROVIDERS.__contains__, vendors):
        if unset(_credentials(_PROVIDERS[vendor])):
            continue  # the provider names all that is missing
        variable = _PROVIDERS[vendor].environment["plan"]
        plan = plans.get(vendor) or unquoted(os.environ.get(variable.name, ""))
        known: Mapping[str, Plan] = import_module(f"agora_tencent_analytics.{vendor}.plans").PLANS
        if plan in known:
            continue
        *most, last = [name for name, one in known.items() if _LISTINGS[vendor] in one.rows and name != "unlimited"]
        names = f"{', '.join(most)} or {last}"
        if plan:
            raise BadInput(f"{vendor} has no plan {plan!r}; give --plan {names}, or {variable.name}")
        raise BadInput(f"which plan of {vendor} you have is not said: give --plan {names}, or {variable.name}")


def _real(vendor: str, given: Mapping[str, Any], proxy: Secret[str] | None) -> Provider:
    options = {**given, "transport": AiohttpTransport(proxy=proxy or None, trust_env=proxy is None)}
    if store := unquoted(os.environ.get(_STORE, "")):
        options["store"] = store
    return _PROVIDERS[vendor].from_env(**options) if vendor in _PROVIDERS else _made(vendor, options)


def _made(vendor: str, options: dict[str, Any]) -> Provider:
    """A provider that another distribution brings; it is given the variables that it declares, and no others."""
    kind, whence = plugin(vendor, _PROVIDERS)
    print(f"{vendor}: {whence}", file=sys.stderr)
    if "plan" in options and "plan" not in kind.environment:
        raise BadInput(f"--plan: {vendor} has one plan only")
    own = {one.name: os.environ[one.name] for one in kind.environment.values() if one.name in os.environ}
    try:
        made = kind.from_env(own, **options)
    except TypeError as error:
        raise BadInput(f"{whence} cannot be made: {error}; its constructor must take ProviderOptions") from None
    if made.name in _PROVIDERS:
        raise BadInput(f"{whence} calls its vendor {made.name!r}, which is the name of a vendor that is built in")
    return made


def _deepest(providers: list[Provider]) -> str:
    """How deep all of these providers answer."""
    if all(type(one).metrics is not Provider.metrics for one in providers):
        return "metrics"
    return "sessions" if all(map(_answers_sessions, providers)) else "calls"


def _answers_sessions(provider: Provider) -> bool:
    return type(provider).sessions is not Provider.sessions or any(row.sessions_key for row in provider.endpoints)


def _simulated(
    options: Options, own: Mapping[str, Mapping[str, Any]]
) -> tuple[World, list[SimulatedAgora | SimulatedTencent]]:
    """A simulated world, and the embedded simulator of each vendor on loopback."""
    from agora_tencent_analytics.cli.simulated_world import demo_range, recent_range, server, world

    # A job that reads what is new since its last run needs a world that goes on.
    over = recent_range() if isinstance(options.over, Since) else demo_range()
    made = world(over, seed=options.seed, calls=options.calls, impolite=options.impolite)
    return made, [server(vendor, made, **given) for vendor, given in own.items()]
