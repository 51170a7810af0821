"""Fan-out over the calls of one or several providers: `scan`, its records and its report."""

from __future__ import annotations

from agora_tencent_analytics.scan.records import CallRecord, Failure
from agora_tencent_analytics.scan.report import Report, VendorReport
from agora_tencent_analytics.scan.run import Records, scan

__all__ = ["CallRecord", "Failure", "Records", "Report", "VendorReport", "scan"]
