"""Tencent RTC."""
