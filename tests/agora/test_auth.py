"""Agora's credentials: what they accept, and that they show nothing."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from agora_tencent_analytics.agora.auth import AgoraCredentials
from agora_tencent_analytics.errors import BadInput
from tests.support.in_turn import in_turn


def test_basic_authentication_is_the_one_of_rfc_7617() -> None:
    credentials = AgoraCredentials(customer_id="Aladdin", customer_secret="opensesame")
    assert "Basic QWxhZGRpbjpvcGVuc2VzYW1l" == credentials.basic.reveal()


@in_turn("name", ["customer_id", "customer_secret"])
@in_turn("value", ["", None, 7, b"x", "a b", "a\n", "ü", "HUSH\x00"])
def test_what_cannot_be_a_credential_is_refused_by_name_and_not_shown(name: str, value: Any) -> None:
    with pytest.raises(BadInput, match=name) as caught:
        AgoraCredentials(**{"customer_id": "i", "customer_secret": "s", name: value})
    assert "HUSH" not in str(caught.value)


def test_only_the_secret_may_hold_a_colon() -> None:
    AgoraCredentials(customer_id="i", customer_secret="a:b")
    with pytest.raises(BadInput, match="colon"):
        AgoraCredentials(customer_id="a:b", customer_secret="s")


def test_credentials_show_themselves_nowhere() -> None:
    credentials = AgoraCredentials(customer_id="WHO", customer_secret="HUSH")
    assert not {"WHO", "HUSH"} & set(repr(credentials).replace("=", " ").split())
    assert "HUSH" not in f"{credentials}{credentials!r}"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(credentials)
