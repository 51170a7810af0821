"""Agora Analytics."""
