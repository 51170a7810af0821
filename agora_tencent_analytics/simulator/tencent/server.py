"""A simulated Tencent RTC: every question of its version of 2019-07-22 that is about monitoring or usage.

The checks at the gate and the envelope follow the vendor's pages, and were written without looking at the client:
signatures over the exact bytes, errors as HTTP 200 with an `Error` in the envelope. Each family of actions has a module
of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack

from agora_tencent_analytics.limits import Plan, Rate
from agora_tencent_analytics.simulator.faults.answer import ExpireToken
from agora_tencent_analytics.simulator.faults.book import Strike
from agora_tencent_analytics.simulator.http.exchange import Arrival, Ask, Refused, Reply, Written, write
from agora_tencent_analytics.simulator.http.telling import slip_members
from agora_tencent_analytics.simulator.http.vendor import SimulatedVendor
from agora_tencent_analytics.simulator.tencent import calls, dashboard, events, usage
from agora_tencent_analytics.simulator.tencent.payload import Action, Asked, check_payload
from agora_tencent_analytics.simulator.tencent.tc3 import check
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.world import World

if TYPE_CHECKING:
    from agora_tencent_analytics.tencent.provider import TencentArguments, TencentProvider
from agora_tencent_analytics.tencent.plans import PLANS
from agora_tencent_analytics.tencent.variables import VARIABLES

_VERSION = "2019-07-22"
_NOT_PAID = "The monthly package or the monitoring dashboard that includes this action is not subscribed to."
_ACTIONS: Mapping[str, Action] = {**calls.ACTIONS, **events.ACTIONS, **dashboard.ACTIONS, **usage.ACTIONS}
_OFFLINE = (
    "DescribeRoomInformation",
    "DescribeUserInformation",
    "DescribeDetailEvent",
    "DescribeAbnormalEvent",
    "DescribeHistoryScale",
    "DescribeTRTCMarketScaleMetricData",
    "DescribeTRTCMarketQualityMetricData",
    "DescribeTRTCRealTimeScaleMetricData",
    "DescribeTRTCRealTimeQualityMetricData",
)
"""Actions that once were. Those of 2020 (`DescribeRealtimeQuality` and its like) are no longer known at all."""


class SimulatedTencent(SimulatedVendor):
    """Tencent RTC's actions about calls, events, the dashboard and usage on loopback.

    Its `credentials` are `sdk_app_id`, `secret_id`, `secret_key`, and `token` if one is needed.

    Args:
        world: what it reports on.
        plan: `"basic"`, `"advanced"`, `"premium"`, `"flagship"`, `"intl-standard"`, `"intl-premium"`, `"free"` (no
            calls, no dashboard), `"unlimited"` or a plan of one's own.
        token: the STS token that must come along, until `ExpireToken` strikes; None for permanent keys.
        retired: True if `DescribeCallDetail` is offline, as it is today.
        oversize: how a window that is too long for metrics is answered: `"refuse"`, or with `"null"` lists.
        **options: see `SimulatedVendor`.
    """

    vendor: ClassVar[Vendor] = "tencent"

    def __init__(
        self,
        world: World,
        *,
        plan: str | Plan = "advanced",
        token: str | None = None,
        retired: bool = False,
        oversize: Literal["refuse", "null"] = "refuse",
        **options: Any,
    ) -> None:
        super().__init__(world, plan=plan, **options)
        self._retired = retired
        self._oversize: Literal["refuse", "null"] = oversize
        self._credentials: dict[str, Any] = {
            "sdk_app_id": world.sdk_app_id,
            "secret_id": f"AKID{mix(world.seed, 31):016x}{mix(world.seed, 32):016x}",
            "secret_key": f"{mix(world.seed, 33):016x}{mix(world.seed, 34):016x}",
        }
        if token is not None:
            self._credentials["token"] = token

    _variables = VARIABLES
    _not_paid = ("UnauthorizedOperation", _NOT_PAID)

    def provider(self, **options: Unpack[TencentArguments]) -> TencentProvider:
        """A provider that asks this server, its quota in memory unless told otherwise.

        Args:
            options: as of `TencentProvider`.

        Raises:
            RuntimeError: it does not listen.
            BadInput: an option is wrong.
        """
        from agora_tencent_analytics.tencent.provider import TencentProvider

        usual: TencentArguments = {"store": ":memory:", "plan": self.plan}
        usual.update(options)
        return TencentProvider.from_env(self.environ, **usual)

    @property
    def environ(self) -> dict[str, str]:
        """See `SimulatedVendor.environ`; with a region that every question may be asked in."""
        return {**super().environ, VARIABLES["region"].name: "ap-singapore"}

    def _plans(self) -> Mapping[str, Plan]:
        return PLANS

    def _judge(self, ask: Ask, arrival: Arrival, strikes: Sequence[Strike]) -> Reply:
        if "token" in self._credentials and any(isinstance(strike.fault, ExpireToken) for strike in strikes):
            self._credentials["token"] += "+"
        return super()._judge(ask, arrival, strikes)

    def _read(self, ask: Ask) -> tuple[str, Mapping[str, Any]]:
        action = ask.headers.get("x-tc-action", "")
        known = (action in _ACTIONS or action in _OFFLINE) and ask.path == "/" and ask.method == "POST"
        return action if known else "?", ask.object or {}

    def _admit(self, ask: Ask, endpoint: str) -> Sequence[Rate]:
        if ask.method != "POST":
            raise Refused("UnsupportedProtocol", "This simulated vendor is asked with POST only.")
        check(ask, self._credentials, now=self.now())
        if ask.headers.get("x-tc-version") != _VERSION:
            raise Refused("NoSuchVersion", "The version of the API does not exist.")
        if endpoint == "?":
            raise Refused("InvalidAction", "The API action does not exist.")
        if endpoint in _OFFLINE or (self._retired and endpoint == "DescribeCallDetail"):
            raise Refused("ActionOffline", "This API has been deprecated.")
        action, region = _ACTIONS[endpoint], ask.headers.get("x-tc-region")
        if action.regions and not region:
            raise Refused("MissingParameter", "The request is missing a required parameter `Region`.")
        if action.regions and region not in action.regions:
            raise Refused("UnsupportedRegion", f"The region `{region}` is not supported.")
        return self._limits(action.row).rates

    def _throttled(self, rate: Rate, endpoint: str) -> Refused:
        return Refused(
            _ACTIONS[endpoint].too_often,
            f"Your current request times equals to `{rate.limit + 1}` in {rate.period_s} second(s), which exceeds the "
            f"frequency limit `{rate.limit}`. Please reduce the frequency of calls.",
        )

    def _envelope(self, refused: Refused) -> bytes:
        return self._wrap({"Error": {"Code": refused.code, "Message": refused.message}})

    def _wrap(self, payload: Mapping[str, object]) -> bytes:
        number = self._serial()
        request_id = uuid.UUID(int=mix(self.world.seed, 41, number) << 64 | number)
        response = write({**payload, "RequestId": str(request_id)})
        return write({"Response": Written(response.decode("utf-8", "surrogateescape"))})

    def _respond(self, ask: Ask, endpoint: str, strikes: Sequence[Strike]) -> bytes:
        action = _ACTIONS[endpoint]
        payload = check_payload(action, ask.object if ask.body else {}, sdk_app_id=self.world.sdk_app_id)
        asked = Asked(
            world=self.world,
            payload=payload,
            now=self.now(),
            limits=self._limits(action.row),
            limits_of=self._limits,
            strikes=strikes,
            oversize=self._oversize,
            serial=self._serial(),
        )
        return self._wrap(slip_members(action.answer(asked), self.world, self.vendor, payload))
