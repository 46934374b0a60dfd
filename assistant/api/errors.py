"""Every error as the HTTP API says it: OpenAI's shape, and one table from exception to status."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from psycopg_pool import PoolTimeout

from assistant import errors as assistant
from assistant import logs
from inference import errors as inference
from learning import errors as learning

logger = logging.getLogger(__name__)

STATUS: dict[type[Exception], int] = {
    assistant.NotFound: 404,
    assistant.MessageEmpty: 400,
    assistant.MessageOversize: 413,
    assistant.IdentifierTaken: 409,
    assistant.AnswerNotFinished: 409,
    assistant.NotServed: 404,
    assistant.FeedbackInvalid: 400,
    assistant.NotAllowed: 403,
    assistant.CursorInvalid: 400,
    assistant.SnapshotNotThere: 409,
    assistant.ModelTextOnly: 400,
    assistant.RateExceeded: 429,
    assistant.ImageUnreadable: 400,
    assistant.ImageOversize: 413,
    assistant.ImagesTooMany: 429,
    assistant.NotShareable: 409,
    assistant.NotBranchable: 409,
    assistant.ConfirmationWrong: 400,
    assistant.ImageInUse: 409,
    assistant.ReviewInvalid: 400,
    assistant.ItemTaken: 409,
    assistant.LeaseLost: 409,
    assistant.PreviewStale: 409,
    assistant.NotSignedIn: 401,
    assistant.SignInFailed: 401,
    assistant.SignupClosed: 403,
    assistant.NameTaken: 409,
    assistant.NameInvalid: 400,
    assistant.PasswordWeak: 400,
    assistant.PasswordWrong: 403,
    assistant.InvitationInvalid: 410,
    assistant.ResetLinkInvalid: 410,
    assistant.SecondFactorNeeded: 401,
    assistant.SecondFactorWrong: 403,
    assistant.SecondFactorOff: 409,
    assistant.LastWayIn: 409,
    assistant.LastAdministrator: 409,
    assistant.SettingFixed: 409,
    assistant.EmailInvalid: 400,
    assistant.FolderExists: 409,
    assistant.FoldersFull: 409,
    assistant.MemoryOversize: 400,
    assistant.PinsFull: 409,
    assistant.MemoryMovedOn: 409,
    assistant.TimeZoneUnknown: 400,
    assistant.ReminderInvalid: 400,
    assistant.RemindersFull: 409,
    assistant.ToolServerInvalid: 400,
    assistant.ModelNotThere: 503,
    inference.EngineUnavailable: 503,
    inference.EngineInterrupted: 503,
    inference.EngineRefused: 400,
    inference.PolicyNotLoaded: 503,
    inference.AdapterInvalid: 409,
    inference.StorageUnavailable: 503,
    inference.UnknownPolicy: 404,
    inference.PolicyNotServable: 409,
    inference.MessageTooLong: 400,
    inference.SystemTextTooLong: 400,
    inference.TemplateRefused: 400,
    learning.AnswerUnknown: 409,
    learning.ParticipantUnknown: 404,
    learning.UpdateRunning: 409,
    learning.RewardUnavailable: 503,
    learning.NothingToLearnFrom: 409,
    learning.NotReady: 409,
}
# Errors that end an answer reach the API as a code in the answer's log.
STATUS_OF_CODE = {
    "interrupted": 503,
    **{getattr(kind, "code"): status for kind, status in STATUS.items()},  # noqa: B009
}
# Codes of what has no exception in one of the trees.
OTHER_CODES = {
    "body_oversize",
    "database_unavailable",
    "internal_error",
    "interrupted",
    "invalid",
    "malformed_form",
    "malformed_json",
    "malformed_message",
    "method_not_allowed",
    "unknown_address",
    "unknown_format",
    "unsupported_media_type",
    "unsupported_parameter",
}
PARAM: dict[type[Exception], str] = {
    assistant.CursorInvalid: "since",
    inference.UnknownPolicy: "model",
    inference.PolicyNotServable: "model",
    inference.MessageTooLong: "messages",
    inference.TemplateRefused: "messages",
}
TYPE = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}
RETRY_AFTER_S = 2


def codes() -> list[str]:
    """Every code an error can have; the page has words for each (frontend/src/api/codes.ts)."""
    roots = [assistant.AssistantError, inference.InferenceError, learning.LearningError]
    return sorted({kind.code for root in roots for kind in _tree(root)} | OTHER_CODES)


def _tree(root: type[Any]) -> list[type[Any]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _tree(child))]


class RequestInvalid(Exception):
    """The request itself is wrong: `param` says where, `str()` what is allowed."""

    def __init__(
        self, message: str, *, param: str | None = None, code: str = "invalid", status: int = 400
    ) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status


class AnswerFailed(Exception):
    """The answer's log ended with an error; `data` is that event's."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(data["message"])
        self.data = data


def body(
    status: int, message: str, *, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """OpenAI's shape of an error."""
    kind = TYPE.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refusal(
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    can_retry: bool = False,
    retry_after_s: int = RETRY_AFTER_S,
) -> HttpResponse:
    """An error as a response; where a retry can help, it says when."""
    content = json.dumps(body(status, message, code=code, param=param))
    response = HttpResponse(content, status=status, content_type="application/json")
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if can_retry:
        response["Retry-After"] = str(retry_after_s)
    return response


def on_known(request: HttpRequest, error: Exception) -> HttpResponse:
    """An error of one of the three trees."""
    kind = next((kind for kind in type(error).__mro__ if kind in STATUS), None)
    if kind is None:
        return on_unexpected(request, error)
    return refusal(
        STATUS[kind],
        str(error),
        code=getattr(error, "code"),  # noqa: B009
        param=PARAM.get(kind),
        can_retry=getattr(error, "can_retry"),  # noqa: B009
        retry_after_s=getattr(error, "retry_after_s", RETRY_AFTER_S),
    )


def on_invalid(request: HttpRequest, error: RequestInvalid) -> HttpResponse:
    return refusal(error.status, str(error), code=error.code, param=error.param)


def on_failed_answer(request: HttpRequest, error: AnswerFailed) -> HttpResponse:
    code = error.data["code"]
    status = STATUS_OF_CODE.get(code, 500)
    return refusal(status, str(error), code=code, can_retry=error.data["can_retry"])


def on_validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """The first wrong field is `param`; the message names all of them and what is allowed."""
    wrong = [(_path(item["loc"]), item["msg"]) for item in error.errors]
    message = "; ".join(f"{path}: {text}" if path else text for path, text in wrong)
    return refusal(400, message, code="invalid", param=wrong[0][0] or None)


def _path(loc: tuple[Any, ...]) -> str:
    """("body", "body", "messages", 0, "role") → "messages[0].role"."""
    source, *rest = loc
    if source == "body":
        rest = rest[1:]
    path = ""
    for step in rest:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return path


def on_http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Ninja wraps whatever stops it from reading the body."""
    if isinstance(error.__cause__, RequestInvalid):
        return on_invalid(request, error.__cause__)
    if error.status_code == 400:
        return refusal(400, "The body is not valid JSON.", code="malformed_json")
    return refusal(error.status_code, str(error))


def on_unparsable(request: HttpRequest, error: Exception) -> HttpResponse:
    """Django reads forms itself, and says what it could not read in its own ways."""
    return refusal(400, "The body is not a form that can be read.", code="malformed_form")


def on_database(request: HttpRequest, error: Exception) -> HttpResponse:
    logger.exception("the database does not answer")
    return refusal(
        503, "The database does not answer.", code="database_unavailable", can_retry=True
    )


def on_unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    """A fault of ours: logged with an id that the caller is told."""
    request_id = logs.current() or logs.request_id()
    logger.error("request %s to %s failed", request_id, request.path, exc_info=error)
    message = f"Something went wrong on our side. The log has it as request {request_id}."
    response = refusal(500, message, code="internal_error")
    response["X-Request-Id"] = request_id
    return response


def speak_openai(api: NinjaAPI) -> None:
    """Have every error of `api` answered in OpenAI's shape."""
    # Ninja's types would have handlers take an exception's class as well as an exception.
    add: Any = api.add_exception_handler
    add(Exception, on_unexpected)
    add(HttpError, on_http_error)
    add(ValidationError, on_validation)
    add(RequestInvalid, on_invalid)
    add(AnswerFailed, on_failed_answer)
    for root in (assistant.AssistantError, inference.InferenceError, learning.LearningError):
        add(root, on_known)
    for unparsable in (MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        add(unparsable, on_unparsable)
    for lost in (OperationalError, InterfaceError, PoolTimeout):
        add(lost, on_database)
