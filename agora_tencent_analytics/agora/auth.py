"""HTTP Basic authentication, the only kind that Agora Analytics knows."""

from __future__ import annotations

from base64 import b64encode
from functools import cached_property
from typing import Any, NoReturn

import attrs

from agora_tencent_analytics.errors import BadInput
from agora_tencent_analytics.secret import Secret, is_key, secret


def _printable(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not is_key(value):
        raise BadInput(
            f"{attribute.name} must be non-empty printable text without spaces; copy it from the Agora Console, "
            "Developer Toolkit, RESTful API"
        )


def _no_colon(instance: Any, attribute: attrs.Attribute[str], value: str) -> None:
    if ":" in value:
        raise BadInput(f"{attribute.name} must not contain a colon: HTTP Basic separates id and secret by it")


@attrs.frozen(kw_only=True)
class AgoraCredentials:
    """A customer id and its secret.

    Raises:
        BadInput: missing or malformed.
    """

    customer_id: str = attrs.field(validator=[_printable, _no_colon], repr=False)
    """Customer ID from the Agora Console."""
    customer_secret: Secret[str] = attrs.field(converter=secret, validator=_printable, repr=False)
    """Customer Secret from the Agora Console, as a `Secret`. Never shown."""

    @cached_property
    def basic(self) -> Secret[str]:
        """The value of the `Authorization` header."""
        # No local variable holds the pair: crash reports list those of every frame.
        return Secret("Basic " + b64encode(f"{self.customer_id}:{self.customer_secret.reveal()}".encode()).decode())

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not pickled or copied: a secret must not end up where pickles do")
