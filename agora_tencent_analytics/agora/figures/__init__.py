"""Agora's usage and quality figures: what is asked for, and how the answers are read."""
