"""What can go wrong while an answer is produced.

InferenceError
├── EngineUnavailable     no engine answers; a retry can help
├── EngineInterrupted     the engine went away in mid-answer; a retry can help
├── EngineRefused         the engine says the request is wrong; a retry cannot help
├── PolicyNotLoaded       the engine does not have this adapter (it was restarted); load, then retry
├── AdapterInvalid        an adapter folder is missing, truncated or for another model
├── StorageUnavailable    where adapters are kept cannot be reached; a retry can help
├── UnknownPolicy         no policy of that name
├── PolicyNotServable     it exists, but has not passed the gates or was withdrawn
├── MessageTooLong        the newest message alone does not fit the window
├── SystemTextTooLong     the system text alone does not fit the window
└── TemplateRefused       the model's chat template cannot word these messages
"""

from __future__ import annotations


class InferenceError(Exception):
    """Root. `code` is stable and may be shown and stored; the text is for a person."""

    code = "inference_error"
    can_retry = False


class EngineUnavailable(InferenceError):
    code = "engine_unavailable"
    can_retry = True


class EngineInterrupted(InferenceError):
    code = "engine_interrupted"
    can_retry = True


class EngineRefused(InferenceError):
    code = "engine_refused"


class PolicyNotLoaded(InferenceError):
    code = "policy_not_loaded"
    can_retry = True


class AdapterInvalid(InferenceError):
    code = "adapter_invalid"


class StorageUnavailable(InferenceError):
    code = "storage_unavailable"
    can_retry = True


class UnknownPolicy(InferenceError):
    code = "unknown_model"


class PolicyNotServable(InferenceError):
    code = "policy_not_servable"


class MessageTooLong(InferenceError):
    code = "message_too_long"


class SystemTextTooLong(InferenceError):
    code = "system_text_too_long"


class TemplateRefused(InferenceError):
    code = "template_refused"
