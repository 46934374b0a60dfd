"""What can go wrong.

DanasError              the server refused; its own sentence, `code` and HTTP `status`
└── CheckpointMismatch  the checkpoint file belongs to another server, format or filter
"""

from __future__ import annotations


class DanasError(Exception):
    def __init__(self, message: str, *, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class CheckpointMismatch(DanasError):
    pass
