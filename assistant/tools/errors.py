"""Why a tool has no result. The text is for the policy and for the person who reads along.

ToolFailed
├── ArgumentsUnfit    not JSON, not an object, or not what the tool's schema says
├── ServerUnreachable it can't be started or connected to, or speaks something else
├── ServerGone        it broke off in the middle
├── ServerFlooded     it sent more than is taken
└── NetworkRefused    it may not use the network, and can't be kept from it here
"""

from __future__ import annotations


class ToolFailed(Exception):
    """Root. Raised by tools themselves for what the policy may do better next time.

    `last_words` are what a program complained of before it ended, for administrators alone.
    """

    last_words = ""


class ArgumentsUnfit(ToolFailed):
    pass


class ServerUnreachable(ToolFailed):
    pass


class ServerGone(ToolFailed):
    pass


class ServerFlooded(ToolFailed):
    pass


class NetworkRefused(ToolFailed):
    pass
