"""What can go wrong while the processes of Danas are started.

ProcessError
└── CannotStart     something about the machine or the settings; the text tells a person what to do
"""

from __future__ import annotations


class ProcessError(Exception):
    code = "process_error"
    can_retry = False


class CannotStart(ProcessError):
    code = "cannot_start"
