"""The website's tables, one noun a file."""

from assistant.models.account import ApiKey, Role, Scope, User
from assistant.models.conversation import Conversation, Folder, Message
from assistant.models.feedback import Feedback
from assistant.models.generation import Generation, GenerationEvent
from assistant.models.search import SearchEntry, SearchMeaning
from assistant.models.trajectory import Pull, Release, Snapshot, SnapshotRow, Trajectory
from assistant.models.window import Window

__all__ = [
    "ApiKey",
    "Conversation",
    "Feedback",
    "Folder",
    "Generation",
    "GenerationEvent",
    "Message",
    "Pull",
    "Release",
    "Role",
    "Scope",
    "SearchEntry",
    "SearchMeaning",
    "Snapshot",
    "SnapshotRow",
    "Trajectory",
    "User",
    "Window",
]
