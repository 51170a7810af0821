"""Tencent's error codes, and which failure each of them is.

One table: exact codes first, then families by their part before the dot. Codes are compared letter for
letter, since some differ in case only (`InvalidParameter.SdkAppId`, `InvalidParameter.SdkAppid`). A code that is in
neither is a plain `Refusal`.

Source: https://www.tencentcloud.com/document/product/647/34270 (common codes) and the pages of the actions
(read 2026-08-21).
"""

from __future__ import annotations

from collections.abc import Mapping

from agora_tencent_analytics.errors import (
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    VendorFault,
    WindowRefused,
)
from agora_tencent_analytics.refusals import Made

CODES: Mapping[str, Made] = {
    "AuthFailure.SignatureExpire": (
        NotAuthenticated,
        {"cause": "clock", "hint": "this machine's clock is more than five minutes off"},
    ),
    "AuthFailure.TokenFailure": (NotAuthenticated, {"cause": "token", "hint": "the STS token is wrong or has expired"}),
    "AuthFailure.UnauthorizedOperation": (NotPermitted, {"hint": "grant the action in Access Management (CAM)"}),
    "FailedOperation.SdkAppIdNotExist": (InvalidRequest, {"hint": "check sdk_app_id"}),
    # "Unsupported method" and "failed to parse the HTTP request" are the caller's: asking again cannot help.
    "InternalError.HttpParaseFalied": InvalidRequest,
    "InternalError.HttpParseFailed": InvalidRequest,
    "InternalError.MethodErr": InvalidRequest,
    "InvalidParameter.QueryScaleOversize": (WindowRefused, {"kind": "too_long"}),
    "InvalidParameter.StartTimeExpire": (WindowRefused, {"kind": "too_old"}),
    "InvalidParameter.StartTimeOversize": (WindowRefused, {"kind": "too_old", "hint": "older than the plan allows"}),
    "InvalidParameter.StartTsOversize": (WindowRefused, {"kind": "too_old", "hint": "older than 14 days"}),
    "OperationDenied.FreqOverLimit": (RateLimited, {"per": "unknown", "retry_after_s": 15.0}),
    "ResponseSizeLimitExceeded": (WindowRefused, {"kind": "too_much"}),
    "ServiceUnavailable": VendorFault,
}
"""Codes whose meaning their family does not give."""

FAMILIES: Mapping[str, Made] = {
    "ActionOffline": NotFound,
    "AuthFailure": (NotAuthenticated, {"hint": "check secret_id and secret_key"}),
    "InternalError": VendorFault,
    "InvalidAction": NotFound,
    "InvalidParameter": InvalidRequest,
    "InvalidParameterValue": InvalidRequest,
    "InvalidRequest": InvalidRequest,
    "IpInBlacklist": NotPermitted,
    "IpNotInWhitelist": NotPermitted,
    "MissingParameter": InvalidRequest,
    "NoSuchProduct": NotFound,
    "NoSuchVersion": NotFound,
    "RequestLimitExceeded": (RateLimited, {"per": "second"}),
    "RequestSizeLimitExceeded": InvalidRequest,
    "UnauthorizedOperation": NotPermitted,
    "UnknownParameter": InvalidRequest,
    "UnsupportedOperation": NotPermitted,
    "UnsupportedProtocol": InvalidRequest,
    "UnsupportedRegion": (InvalidRequest, {"hint": "pass another region="}),
}
"""Families by the part of the code before the dot."""


def meant(code: str) -> Made | None:
    """Which refusal a code is, by itself or by its family; None if nobody knows."""
    return CODES.get(code) or FAMILIES.get(code.partition(".")[0])
