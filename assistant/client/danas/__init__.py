"""Trajectories out of a Danas: see the README."""

from danas.client import Client
from danas.errors import CheckpointMismatch, DanasError
from danas.rows import PLACE, Row, newest, without_place

__all__ = [
    "PLACE",
    "CheckpointMismatch",
    "Client",
    "DanasError",
    "Row",
    "newest",
    "without_place",
]
