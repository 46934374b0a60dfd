"""The website's tables, one noun a file."""

from assistant.models.account import ApiKey, BrowserSession, Role, Scope, User
from assistant.models.admission import Installation, Invitation, ResetLink, SignUp
from assistant.models.conversation import Conversation, Folder, Message
from assistant.models.feedback import Feedback
from assistant.models.generation import Generation, GenerationEvent
from assistant.models.note import Note
from assistant.models.operations import Act, Backup, Measurement
from assistant.models.picture import DiscardedFile, Image
from assistant.models.review import (
    AuditEntry,
    Bulk,
    Contradiction,
    Decision,
    Redaction,
    ReviewItem,
    Verdict,
)
from assistant.models.search import SearchEntry, SearchMeaning
from assistant.models.sharing import Erasure, Export, Share
from assistant.models.tool import Allowance, Reminder, ToolCall, ToolPermission, ToolServer
from assistant.models.trajectory import Pull, Release, Snapshot, SnapshotRow, Trajectory
from assistant.models.window import Window

__all__ = [
    "Act",
    "Allowance",
    "ApiKey",
    "AuditEntry",
    "Backup",
    "BrowserSession",
    "Bulk",
    "Contradiction",
    "Conversation",
    "Decision",
    "DiscardedFile",
    "Erasure",
    "Export",
    "Feedback",
    "Folder",
    "Generation",
    "GenerationEvent",
    "Image",
    "Installation",
    "Invitation",
    "Measurement",
    "Message",
    "Note",
    "Pull",
    "Redaction",
    "Release",
    "Reminder",
    "ResetLink",
    "ReviewItem",
    "Role",
    "Scope",
    "SearchEntry",
    "SearchMeaning",
    "Share",
    "SignUp",
    "Snapshot",
    "SnapshotRow",
    "ToolCall",
    "ToolPermission",
    "ToolServer",
    "Trajectory",
    "User",
    "Verdict",
    "Window",
]
