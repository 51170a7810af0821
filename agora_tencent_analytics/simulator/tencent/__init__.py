"""A simulated Tencent."""
