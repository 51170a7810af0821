"""Every code of Tencent's pages, and the failure it stands for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agora_tencent_analytics.endpoint import Endpoint
from agora_tencent_analytics.errors import (
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    Refusal,
    VendorFault,
    WindowRefused,
)
from agora_tencent_analytics.message import Response
from agora_tencent_analytics.tencent.endpoints import CALL_DETAIL_2021, ROOM_INFO
from agora_tencent_analytics.tencent.wire import TencentVendor

Made = tuple[type[Refusal], dict[str, Any]]


def refusal(code: str, message: str = "no", row: Endpoint[Any] = ROOM_INFO, *, status: int = 200) -> Refusal:
    body = {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "2e12"}}
    with pytest.raises(Refusal) as caught:
        TencentVendor("ap-singapore").unwrap(row, Response(status=status, headers={}, body=json.dumps(body).encode()))
    return caught.value


def table(made: type[Refusal], /, *codes: str, **facts: Any) -> dict[str, Made]:
    return dict.fromkeys(codes, (made, facts))


CODES: dict[str, Made] = {
    **table(
        VendorFault,
        "InternalError",
        "InternalError.DBError",
        "InternalError.EsQueryError",
        "InternalError.InterfaceErr",
        "InternalError.ThirdPartyCallError",
        "ServiceUnavailable",
    ),
    **table(
        InvalidRequest,
        "FailedOperation.SdkAppIdNotExist",
        "InternalError.HttpParaseFalied",
        "InternalError.HttpParseFailed",
        "InternalError.MethodErr",
        "InvalidParameter",
        "InvalidParameter.BodyParamsError",
        "InvalidParameter.EncodeParams",
        "InvalidParameter.EndTs",
        "InvalidParameter.InvalidSdkAppId",
        "InvalidParameter.PageNumber",
        "InvalidParameter.PageSize",
        "InvalidParameter.PageSizeOversize",
        "InvalidParameter.SdkAppId",
        "InvalidParameter.SdkAppid",
        "InvalidParameter.StartTs",
        "InvalidParameter.TaskId",
        "InvalidParameter.UrlParamsError",
        "InvalidParameter.UserId",
        "InvalidParameter.UserIdsMorethanSix",
        "InvalidParameterValue",
        "InvalidParameterValue.Anything",
        "InvalidRequest",
        "MissingParameter",
        "MissingParameter.AppId",
        "MissingParameter.CommId",
        "MissingParameter.CommIdOrSdkAppId",
        "MissingParameter.EndTs",
        "MissingParameter.RoomId",
        "MissingParameter.RoomNum",
        "MissingParameter.SdkAppId",
        "MissingParameter.StartTs",
        "MissingParameter.TaskId",
        "MissingParameter.UserId",
        "RequestSizeLimitExceeded",
        "UnknownParameter",
        "UnsupportedProtocol",
        "UnsupportedRegion",
    ),
    **table(WindowRefused, "InvalidParameter.QueryScaleOversize", kind="too_long"),
    **table(
        WindowRefused,
        "InvalidParameter.StartTimeOversize",
        "InvalidParameter.StartTimeExpire",
        "InvalidParameter.StartTsOversize",
        kind="too_old",
    ),
    **table(WindowRefused, "ResponseSizeLimitExceeded", kind="too_much"),
    **table(
        RateLimited,
        "RequestLimitExceeded",
        "RequestLimitExceeded.UinLimitExceeded",
        "RequestLimitExceeded.GlobalRegionUinLimitExceeded",
        "RequestLimitExceeded.IPLimitExceeded",
        per="second",
        retry_after_s=None,
    ),
    **table(RateLimited, "OperationDenied.FreqOverLimit", per="unknown", retry_after_s=15.0),
    **table(NotAuthenticated, "AuthFailure.SignatureExpire", cause="clock"),
    **table(NotAuthenticated, "AuthFailure.TokenFailure", cause="token"),
    **table(
        NotAuthenticated,
        "AuthFailure",
        "AuthFailure.SecretIdNotFound",
        "AuthFailure.SignatureFailure",
        "AuthFailure.InvalidSecretId",
        "AuthFailure.InvalidAuthorization",
        "AuthFailure.MFAFailure",
        cause="credentials",
    ),
    **table(
        NotPermitted,
        "AuthFailure.UnauthorizedOperation",
        "UnauthorizedOperation",
        "UnauthorizedOperation.Anything",
        "IpInBlacklist",
        "IpNotInWhitelist",
        "UnsupportedOperation",
    ),
    **table(NotFound, "ActionOffline", "InvalidAction", "NoSuchVersion", "NoSuchProduct"),
    **table(
        Refusal,
        "ResourceUnavailable",
        "ResourceInsufficient",
        "ResourceInUse",
        "ResourceNotFound",
        "FailedOperation",
        "FailedOperation.QueryTaskInfoFailed",
        "LimitExceeded",
        "DryRunOperation",
        "OperationDenied",
        "NeverHeardOf.It",
        "",
        # Codes are matched letter for letter.
        "internalerror",
        "InternalErrors",
        "requestLimitExceeded",
        "INVALIDPARAMETER.EndTs",
    ),
    # ... and so is what follows the dot: these fall back to their family.
    **table(InvalidRequest, "InvalidParameter.startTsOversize", "InvalidParameter.QueryScaleOverSize"),
    **table(NotAuthenticated, "AuthFailure.signatureExpire", cause="credentials"),
}


def test_a_code_is_the_failure_of_the_table() -> None:
    for code, (kind, facts) in CODES.items():
        found = refusal(code)
        assert kind is type(found), code
        assert facts == {name: getattr(found, name) for name in facts}, code
        assert ("tencent", code or "(no code)", "no", "2e12", "DescribeRoomInfo", 200) == (
            found.vendor,
            found.code,
            found.message,
            found.request_id,
            found.endpoint,
            found.status,
        )


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 418, 422])
def test_a_code_that_nobody_knows_is_a_plain_refusal_whatever_the_status(status: int) -> None:
    found = refusal("Mystery.OfOurs", status=status)
    assert (Refusal, "Mystery.OfOurs") == (type(found), found.code)


def test_the_two_limits_of_age_are_told_apart() -> None:
    texts = [str(refusal(code)) for code in ("InvalidParameter.StartTimeOversize", "InvalidParameter.StartTsOversize")]
    assert "older than the plan allows" in texts[0]
    assert "older than 14 days" in texts[1]


@pytest.mark.parametrize("code", ["ActionOffline", "InvalidAction"])
def test_a_retired_action_names_its_successor(code: str) -> None:
    found = refusal(code, "This API has been deprecated", CALL_DETAIL_2021)
    assert "ask DescribeCallDetailInfo instead" in str(found)


def test_a_successor_is_named_only_where_the_action_is_gone() -> None:
    assert "instead" not in str(refusal("InternalError", row=CALL_DETAIL_2021))
