"""Series and sessions as frames of pandas and of polars: whole columns, never point by point.

    python examples/frames.py        # needs pandas and polars

Credentials come from the environment, as `agora-tencent-analytics simulate --vendor agora --port 8021` prints them.
"""

from __future__ import annotations

import asyncio

import numpy as np
import pandas as pd
import polars as pl

from agora_tencent_analytics import AgoraProvider, CallRecord, Last, scan


def points_in_pandas(records: list[CallRecord]) -> pd.DataFrame:
    """One row a point. What repeats is a category: a million points take tens of megabytes, and not hundreds."""
    series = [one for record in records for one in record.series]
    lengths = [len(one) for one in series]
    return pd.DataFrame(
        {
            "session": pd.Categorical([one.session_id for one in series]).repeat(lengths),
            "metric": pd.Categorical([one.metric for one in series]).repeat(lengths),
            "time": pd.to_datetime(np.concatenate([np.asarray(one.times) for one in series]), unit="s", utc=True),
            "value": np.concatenate([np.asarray(one.values) for one in series]),
        }
    )


def series_in_polars(records: list[CallRecord]) -> pl.DataFrame:
    """One row a series, with its points as lists: `explode("time", "value")` makes a row a point where it must be."""
    series = [one for record in records for one in record.series]
    return pl.DataFrame(
        {
            "session": [one.session_id for one in series],
            "metric": [one.metric for one in series],
            "time": pl.Series([np.asarray(one.times) for one in series], dtype=pl.List(pl.Int64)),
            "value": pl.Series([np.asarray(one.values) for one in series], dtype=pl.List(pl.Float64)),
        }
    )


def sessions_in_polars(records: list[CallRecord]) -> pl.DataFrame:
    """One row a stay: what freezes are grouped by."""
    return pl.DataFrame(
        [
            {"session": one.session_id, "user": one.user_id, "platform": one.platform, "network": one.network}
            for record in records
            for one in record.sessions
        ]
    )


async def main() -> None:
    """Prints the frozen seconds by platform, once with each."""
    async with AgoraProvider.from_env() as agora, scan(agora, over=Last(hours=12), depth="metrics") as scanned:
        records = [record async for record in scanned]
    sessions = sessions_in_polars(records)

    points = points_in_pandas(records).merge(sessions.to_pandas(), on="session")
    frozen = points[points["metric"] == "video_freeze_time"].groupby("platform")["value"].sum() / 1000
    print(frozen.sort_values(ascending=False).round(1))

    polars = (
        series_in_polars(records)
        .filter(pl.col("metric") == "video_freeze_time")
        .with_columns(pl.col("value").list.eval(pl.element().fill_nan(None)).list.sum() / 1000)
        .join(sessions, on="session")
        .group_by("platform")
        .agg(pl.col("value").sum().round(1))
        .sort("value", descending=True)
    )
    print(polars)


if __name__ == "__main__":
    asyncio.run(main())
