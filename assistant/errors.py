"""What can go wrong on the website's side.

AssistantError
├── NotFound               it does not exist, or it is someone else's: the two look the same
├── MessageEmpty           nothing but blanks
├── MessageOversize        more bytes than a message may have
├── IdentifierTaken        a client-chosen id is already used for something else
├── AnswerNotFinished      the answer is still being made
├── NotServed              feedback on an answer that was never served to this person
├── FeedbackInvalid        kind, text and `over` do not fit together
├── NotAllowed             the role or the key's scope does not reach this far
├── CursorInvalid          not a place in the researchers' feed, or one of another format or filter
├── SnapshotNotThere       its files are not made yet, gone, or hold what was withdrawn
├── ModelTextOnly          an image for a policy that reads text only
├── RateExceeded           more of something than a person or an address may do in a while
├── ImageUnreadable        not an image of a kind that is taken, or not a whole one
├── ImageOversize          more bytes or pixels than an image may have
├── ImagesTooMany          more than a message may have, or a person may upload in a day
├── NotShareable           a temporary chat
├── NotBranchable          a temporary chat
├── ConfirmationWrong      what was typed to confirm is not what was asked for
├── ImageInUse             it is part of a conversation, so it cannot be taken back
├── ReviewInvalid          text or spans that do not fit a reviewer's verdict
├── ItemTaken              another reviewer has the item, or it is decided
├── LeaseLost              the reviewer's hold on an item ended
├── PreviewStale           a preview of many items that was used, or is somebody else's
├── NotSignedIn            no key and no session, or one that is not valid (any more)
├── SignInFailed           wrong name or password; which of the two is not said
├── SignupClosed           people can't make accounts here themselves
├── InvitationInvalid      expired, used, revoked or never made
├── ResetLinkInvalid       expired, used or never made
├── SecondFactorNeeded     name and password are right; the code of the second factor is missing
├── SecondFactorWrong      that code is wrong, or was used before
├── SecondFactorOff        there is no second factor to change, or its set-up was not begun
├── PasswordWrong          the password that confirms a change
├── LastAdministrator      nobody would be left to administer
├── LastWayIn              the person could not sign in any more
├── SettingFixed           the environment decides
├── EmailInvalid           not an address, or a confirmation that does not fit
├── NameTaken              another account has this name
├── NameInvalid            a name with characters that a name can't have
├── PasswordWeak           too short or too common
├── FolderExists           another folder of this person has this name
├── FoldersFull            a person has as many folders as there may be
├── MemoryOversize         more tokens than a piece of memory may have
├── PinsFull               more would be pinned than may be
├── MemoryMovedOn          a later answer has a memory of its own; this one's is history
├── TimeZoneUnknown        not a name of the IANA database
├── ReminderInvalid        nothing to be reminded of, or a time that can't be
├── RemindersFull          a person has as many reminders as there may be
├── ToolServerInvalid      it can't be set up like this
└── ModelNotThere          the files of the model are not on this machine (yet)
"""

from __future__ import annotations


class AssistantError(Exception):
    """Root. `code` is stable; the text is for a person."""

    code = "assistant_error"
    can_retry = False


class NotFound(AssistantError):
    code = "not_found"


class MessageEmpty(AssistantError):
    code = "message_empty"


class MessageOversize(AssistantError):
    code = "message_oversize"


class IdentifierTaken(AssistantError):
    code = "identifier_taken"


class AnswerNotFinished(AssistantError):
    code = "answer_not_finished"
    can_retry = True


class NotServed(AssistantError):
    code = "not_served"


class FeedbackInvalid(AssistantError):
    code = "feedback_invalid"


class NotAllowed(AssistantError):
    code = "not_allowed"


class CursorInvalid(AssistantError):
    code = "cursor_invalid"


class SnapshotNotThere(AssistantError):
    code = "snapshot_not_there"


class ModelTextOnly(AssistantError):
    code = "model_text_only"


class RateExceeded(AssistantError):
    """`retry_after_s`: when it is worth another try."""

    code = "rate_limit_exceeded"
    can_retry = True

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ImageUnreadable(AssistantError):
    code = "image_unreadable"


class ImageOversize(AssistantError):
    code = "image_oversize"


class ImagesTooMany(AssistantError):
    code = "images_too_many"


class NotBranchable(AssistantError):
    code = "not_branchable"


class NotShareable(AssistantError):
    code = "not_shareable"


class ConfirmationWrong(AssistantError):
    code = "confirmation_wrong"


class ImageInUse(AssistantError):
    code = "image_in_use"


class ReviewInvalid(AssistantError):
    code = "review_invalid"


class ItemTaken(AssistantError):
    code = "item_taken"
    can_retry = True


class LeaseLost(AssistantError):
    code = "claim_lost"


class PreviewStale(AssistantError):
    code = "preview_stale"


class NotSignedIn(AssistantError):
    code = "not_signed_in"


class SignInFailed(AssistantError):
    code = "sign_in_failed"


class SignupClosed(AssistantError):
    code = "signup_closed"


class NameTaken(AssistantError):
    code = "name_taken"


class NameInvalid(AssistantError):
    code = "name_invalid"


class PasswordWeak(AssistantError):
    code = "password_weak"


class InvitationInvalid(AssistantError):
    code = "invitation_invalid"


class ResetLinkInvalid(AssistantError):
    code = "reset_link_invalid"


class SecondFactorNeeded(AssistantError):
    code = "second_factor_needed"


class SecondFactorWrong(AssistantError):
    code = "second_factor_wrong"


class SecondFactorOff(AssistantError):
    code = "second_factor_off"


class PasswordWrong(AssistantError):
    code = "password_wrong"


class LastWayIn(AssistantError):
    code = "last_way_in"


class LastAdministrator(AssistantError):
    code = "last_administrator"


class SettingFixed(AssistantError):
    code = "setting_fixed"


class EmailInvalid(AssistantError):
    code = "email_invalid"


class FolderExists(AssistantError):
    code = "folder_exists"


class FoldersFull(AssistantError):
    code = "folders_full"


class MemoryOversize(AssistantError):
    code = "memory_oversize"


class PinsFull(AssistantError):
    code = "pins_full"


class MemoryMovedOn(AssistantError):
    code = "memory_moved_on"


class TimeZoneUnknown(AssistantError):
    code = "time_zone_unknown"


class ReminderInvalid(AssistantError):
    code = "reminder_invalid"


class RemindersFull(AssistantError):
    code = "reminders_full"


class ToolServerInvalid(AssistantError):
    code = "tool_server_invalid"


class ModelNotThere(AssistantError):
    code = "model_not_there"
    can_retry = True
