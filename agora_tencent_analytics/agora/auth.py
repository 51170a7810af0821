"""HTTP Basic authentication, the only kind that Agora Analytics knows."""

from __future__ import annotations

from base64 import b64encode
from functools import cached_property
from typing import Any

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.secret import Secret, Unpicklable, key_validator, secret

_is_key = key_validator("Agora Console, Developer Toolkit, RESTful API")


def _no_colon(instance: Any, attribute: attrs.Attribute[str], value: str) -> None:
    if ":" in value:
        raise BadInput(f"{attribute.name} must not contain a colon: HTTP Basic separates id and secret by it")


@attrs.frozen(kw_only=True)
class AgoraCredentials(Unpicklable):
    """A customer id and its secret.

    Raises:
        BadInput: missing or malformed.
    """

    customer_id: str = attrs.field(validator=[_is_key, _no_colon], repr=False)
    """Customer ID from the Agora Console."""
    customer_secret: Secret[str] = attrs.field(converter=secret, validator=_is_key, repr=False)
    """Customer Secret from the Agora Console, as a `Secret`. Never shown."""

    @cached_property
    def basic(self) -> Secret[str]:
        """The value of the `Authorization` header."""
        # No local variable holds the pair: crash reports list those of every frame.
        return Secret("Basic " + b64encode(f"{self.customer_id}:{self.customer_secret.reveal()}".encode()).decode())
