"""What can go wrong with backups.

OperationsError
├── FileUnfit          the file can't be written, or is none of ours, or was damaged
├── BackupNewer        it was made by a later Danas than this one
├── WouldOverwrite     there is something already where it would be restored to
└── StillRunning       Danas runs there
"""

from __future__ import annotations


class OperationsError(Exception):
    """Root. The text is for a person at a terminal."""

    code = "operations_error"
    can_retry = False


class FileUnfit(OperationsError):
    code = "file_unfit"


class BackupNewer(OperationsError):
    code = "backup_newer"


class WouldOverwrite(OperationsError):
    code = "would_overwrite"


class StillRunning(OperationsError):
    code = "still_running"
