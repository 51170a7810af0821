"""`Redaction`: what the other side says in one exchange, without the secrets that it was sent.

A gateway that repeats the request in its error page would put its `Authorization` into an exception, and so into logs,
reports and pickles. What failed is therefore read a second time, from a copy of the answer without the credentials in
force and whatever authentication had added to the request: before anything is cut, so that neither the error nor a
frame that it passed holds them. Good answers are not searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec.structs import replace

from agora_tencent_analytics.errors import AnalyticsError
from agora_tencent_analytics.http.credentials import hidden_in
from agora_tencent_analytics.message import SHOWN_HEADERS, Request, Response
from agora_tencent_analytics.secret import Secret, redacted

_SEPARATORS = str.maketrans(dict.fromkeys(',;="', " "))


class Redaction:
    """Strikes out the secrets of one exchange.

    Args:
        credentials: those in force: whatever a vendor takes.
        asked: the request before it was authenticated.
        signed: the request as it was sent.
    """

    def __init__(self, credentials: Any, asked: Request, signed: Request) -> None:
        self._credentials, self._asked, self._signed = credentials, asked, signed

    def text(self, text: str) -> str:
        """A text without them."""
        return redacted(text, self._secrets())

    def response(self, response: Response) -> Response:
        """An answer without them; the very same if it holds none."""
        # Every byte is a character of Latin-1, and every secret is ASCII.
        body = response.body.decode("latin-1")
        clean, headers = self.text(body), {name: self.text(value) for name, value in response.headers.items()}
        if clean == body and headers == response.headers:
            return response
        return replace(response, body=clean.encode("latin-1"), headers=headers)

    def error(self, error: AnalyticsError) -> None:
        """Strikes them out of an error, in its text and in its attributes."""
        error.args = tuple(self._of(value) for value in error.args)
        for name, value in vars(error).items():
            setattr(error, name, self._of(value))

    def _of(self, value: Any) -> Any:
        return self.text(value) if isinstance(value, str) else value

    def _secrets(self) -> Iterator[str]:
        # One by one: no list of them stands in a variable, where crash reports would show it.
        for value in hidden_in(self._credentials):
            yield from _parts(value.reveal() if isinstance(value, Secret) else value)
        for hidden in self._signed.secrets.values():
            yield from _last_word(hidden.reveal())
        for name, value in self._signed.headers.items():
            if self._asked.headers.get(name) != value and name.lower() not in SHOWN_HEADERS | self._asked.shown:
                yield from _last_word(value)
        known = dict(parse_qsl(urlsplit(self._asked.url).query))
        yield from (value for name, value in parse_qsl(urlsplit(self._signed.url).query) if known.get(name) != value)


def _parts(value: str) -> Iterator[str]:
    """A secret, and of a signed token what follows the header that all of its kind have."""
    yield value
    if value.startswith("eyJ") and "." in value:
        yield value.partition(".")[2]


def _last_word(header: str) -> Iterable[str]:
    """The secret of a header: its last word, behind a scheme and names such as `Signature=`; or all of it."""
    return header.translate(_SEPARATORS).split()[-1:]
