"""`Page`: one answer of the vendor, decoded, with what is needed to quote it or to go on from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from agora_tencent_analytics.models.calls import Session
from agora_tencent_analytics.paging.certificate import UnreadableRow
from agora_tencent_analytics.paging.cursor import Cursor
from agora_tencent_analytics.receipt import Receipt
from agora_tencent_analytics.timerange import TimeRange

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One answer."""

    items: Sequence[T]
    """Its records that were asked for and that the walk had not yielded before."""
    sessions: Sequence[Session] = ()
    """Sessions that come with the records: whom a page of series is about, where the vendor says so (Tencent's
    `DescribeCallDetailInfo` with `DataType`, Agora's `call/details` of March 2021). They are not among `items`."""
    request_id: str
    """The vendor's id of the request, `""` if it gave none."""
    body: bytes = attrs.field(repr=False)
    """The body as it came, after content decoding."""
    _place: Cursor = attrs.field(repr=False, alias="place")
    window: TimeRange
    """The piece of the range that was asked."""
    number: int
    """Page number in the vendor's counting."""
    total: int | None = None
    """The vendor's own total, whatever it counts."""
    has_more: bool | None = None
    """The vendor's word on whether more exists."""
    extra: Mapping[str, Any] = attrs.field(factory=dict)
    """What the answer has besides its records and its paging, fields that this library does not know."""
    lost: Sequence[UnreadableRow] = ()
    """Its rows that cannot be read, as far as the walk had not told them before."""
    cost: Receipt = attrs.field(factory=Receipt, repr=False)
    """What was spent since the page before it: this page, retries, and windows that were refused on the way."""

    @property
    def cursor(self) -> str:
        """Hand it back as `cursor=` of the same question to go on after this page.

        Opaque; holds no secret, and of the question a fingerprint: who knows app and account can try names against it.
        """
        return self._place.text()
