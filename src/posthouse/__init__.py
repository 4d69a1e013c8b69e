"""Posthouse: a self-hosted home for a team's bots on chat platforms."""

__version__ = "0.1.0"
