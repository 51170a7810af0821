"""A simulated Agora Analytics: every question of four generations of the interface, answered in its shapes.

The checks at the gate and the envelope follow the vendor's pages, and were written without looking at the client: HTTP
Basic, errors as HTTP 200 with a code in the body, strict time bounds. Each family of questions has a module of its own.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack
from urllib.parse import parse_qsl

from agora_tencent_analytics.agora.plans import GENERATIONS, Generation
from agora_tencent_analytics.agora.variables import VARIABLES
from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.limits import DAY, MINUTE, Plan, Rate
from agora_tencent_analytics.simulator.agora.question import Habits, Question, Route, bad, check_window, read_names
from agora_tencent_analytics.simulator.agora.routes import ROUTES
from agora_tencent_analytics.simulator.faults.book import Strike
from agora_tencent_analytics.simulator.http.exchange import Ask, Refused, write
from agora_tencent_analytics.simulator.http.telling import slip_members
from agora_tencent_analytics.simulator.http.vendor import SimulatedVendor
from agora_tencent_analytics.simulator.world.calls import Vendor
from agora_tencent_analytics.simulator.world.dice import mix
from agora_tencent_analytics.simulator.world.world import World

if TYPE_CHECKING:
    from agora_tencent_analytics.agora.provider import AgoraArguments, AgoraProvider

_NO_AUTH = "you have no auth to access this service, please buy or upgrade your service package"
_NO_AUTH_2021 = "no auth"
_OVERSIZE = "query duration limit error"
_OVERSIZE_BEFORE = "query time length limit error"
_PER = {1: "qps", MINUTE: "qpm", DAY: "qpd"}


class SimulatedAgora(SimulatedVendor):
    """Agora Analytics on loopback. Its `credentials` are `app_id`, `customer_id` and `customer_secret`.

    Args:
        world: what it reports on.
        plan: `"standard"`, `"premium"`, `"enterprise"`, `"starter"` (no access), `"unlimited"` or a plan of one's own.
        api: which generation of the interface it speaks: `"2024"`, `"2022"`, `"2021-07"` or `"2021-03"`; endpoints of
            the others are 404.
        auth_reply: how wrong credentials are refused: `"code"` with HTTP 200 and code 401, `"http"` with HTTP 401 and a
            body without a code, as some gateways do.
        ongoing: what `destroyed_ts` and `leave_ts` say while it is not over, which Agora does not document: the
            vendor's `"now"`, `"zero"` or `"null"`.
        midnight: where the days of Data Insights begin: at `"utc+8"` as in the vendor's examples, or at `"utc"` as in
            its text. In March 2021 it was UTC in both.
        empty: how a rate is answered in a stretch of time with nothing to measure, which Agora does not document:
            `"zero"`, `"null"`, or `"omit"` the row.
        **options: see `SimulatedVendor`.

    Raises:
        BadInput: there is no such plan or generation.
    """

    vendor: ClassVar[Vendor] = "agora"

    def __init__(
        self,
        world: World,
        *,
        plan: str | Plan = "enterprise",
        api: Generation = "2024",
        auth_reply: Literal["code", "http"] = "code",
        ongoing: Literal["now", "zero", "null"] = "now",
        midnight: Literal["utc+8", "utc"] = "utc+8",
        empty: Literal["zero", "null", "omit"] = "zero",
        **options: Any,
    ) -> None:
        if api not in ROUTES:
            raise BadInput(f"a simulated Agora speaks {', '.join(ROUTES)}, not {api!r}")
        self._api: Generation = api
        super().__init__(world, plan=plan, **options)
        self._auth_reply = auth_reply
        self._habits = Habits(ongoing=ongoing, midnight=midnight, empty=empty)
        self._not_paid = (300, _NO_AUTH_2021 if api.startswith("2021") else _NO_AUTH)
        self._credentials = {
            "app_id": world.agora_app_id,
            "customer_id": f"{mix(world.seed, 21):016x}{mix(world.seed, 22):016x}",
            "customer_secret": f"{mix(world.seed, 23):016x}{mix(world.seed, 24):016x}",
        }

    _variables = VARIABLES

    def provider(self, **options: Unpack[AgoraArguments]) -> AgoraProvider:
        """A provider that asks this server, its quota in memory unless told otherwise.

        Args:
            options: as of `AgoraProvider`.

        Raises:
            RuntimeError: it does not listen.
            BadInput: an option is wrong.
        """
        from agora_tencent_analytics.agora.provider import AgoraProvider

        usual: AgoraArguments = {"store": ":memory:", "plan": self.plan, "api": self._api}
        usual.update(options)
        return AgoraProvider.from_env(self.environ, **usual)

    def _plans(self) -> Mapping[str, Plan]:
        return GENERATIONS[self._api]

    def _read(self, ask: Ask) -> tuple[str, Mapping[str, Any]]:
        routes = ROUTES[self._api].items()
        found = (name for name, route in routes if (ask.method, ask.path) == (route.method, route.path_of(name)))
        facts: dict[str, Any] = dict(parse_qsl(ask.query, keep_blank_values=True))
        if ask.method == "POST":
            facts |= ask.object or {}
        return next(found, "?"), facts

    def _admit(self, ask: Ask, endpoint: str) -> Sequence[Rate]:
        if endpoint == "?":
            raise Refused(404, "wrong api", status=404)
        pair = f"{self._credentials['customer_id']}:{self._credentials['customer_secret']}".encode()
        wanted = b"Basic " + base64.b64encode(pair)
        if not hmac.compare_digest(ask.headers.get("authorization", "").encode(errors="replace"), wanted):
            if self._auth_reply == "http":
                body = b'{"message":"Invalid authentication credentials"}'
                raise Refused(401, "unauthorized", status=401, body=body)
            raise Refused(401, "unauthorized")
        return self._limits(ROUTES[self._api][endpoint].row).rates

    def _throttled(self, rate: Rate, endpoint: str) -> Refused:
        return Refused(300, f"{_PER.get(rate.period_s, 'qps')} limit error")

    def _envelope(self, refused: Refused) -> bytes:
        return write({"code": refused.code, "message": refused.message, "data": None})

    def _respond(self, ask: Ask, endpoint: str, strikes: Sequence[Strike]) -> bytes:
        route = ROUTES[self._api][endpoint]
        query = read_names(route, _pairs(ask, route))
        if query["appid"] != self.world.agora_app_id:
            raise Refused(403, "wrong authorization information")
        oversize = _OVERSIZE if self._api == "2024" else _OVERSIZE_BEFORE
        now = self.now()
        start, end = check_window(route, query, self._limits(route.row), now, oversize)
        asked = Question(
            world=self.world,
            generation=self._api,
            query=query,
            start=start,
            end=end,
            now=now,
            strikes=strikes,
            habits=self._habits,
        )
        inspects = endpoint.startswith("call/")
        head: dict[str, object] = {"code": 200, "message": "" if inspects else "success"}
        if inspects and not self._api.startswith("2021"):
            number = self._serial()
            head["requestId"] = f"{mix(self.world.seed, 41, number):016x}{number:016x}"
        return write({**head, **slip_members(route.answer(asked), self.world, self.vendor, query)})


def _pairs(ask: Ask, route: Route) -> list[tuple[str, Any]]:
    """Every parameter: from the query, and with POST from the body, each from its own place only."""
    in_query: list[tuple[str, Any]] = list(parse_qsl(ask.query, keep_blank_values=True))
    if route.method != "POST":
        return in_query
    for name, _ in in_query:
        if name != "appid":
            raise bad(name, "does not belong into the query")
    if not ask.headers.get("content-type", "").startswith("application/json"):
        raise Refused(400, "Bad request, the body is not application/json")
    body = ask.object
    if body is None:
        raise Refused(400, "Bad request, the body is not a JSON object")
    if "appid" in body:
        raise bad("appid", "does not belong into the body")
    return in_query + list(body.items())
