"""Every table of ours, to be looked at and not to be changed.

Changes go through the functions that check and record them. Lists show no words of people; a row
does, and that an administrator looked at it is written down.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from assistant.accounts import acts
from assistant.admin.site import site
from assistant.models import Act, Backup, Measurement, User

__all__ = ["site"]

OURS = ("assistant", "learning", "inference")
# Whoever has one of these can be somebody else.
SECRET = {"password", "token", "secret", "session_key", "digest_of_token"}
SECRET_OF = {
    "ApiKey": {"digest"},
    "Invitation": {"digest"},
    "ResetLink": {"digest"},
    "ToolServer": {"sealed"},
}
LISTED_AT_MOST = 7
# What is long, or what people wrote.
UNLISTED = (models.TextField, models.JSONField, models.BinaryField, ArrayField)
NAMES = {"username", "name", "policy", "prefix", "subject", "worker", "file"}
# Nobody's words are in these.
PLAIN = {Act, Backup, Measurement}


class Table(ModelAdmin):  # type: ignore[misc]
    show_full_result_count = False
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        return site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if self.model not in PLAIN and isinstance(request.user, User):
            subject = f"{self.opts.model_name} {object_id}"
            acts.note(request.user, Act.Kind.LOOK, subject)
        response: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return response


def register() -> None:
    for app in OURS:
        for model in apps.get_app_config(app).get_models():
            site.register(model, _table(model))


def _table(model: type[models.Model]) -> type[Table]:
    secret = SECRET | SECRET_OF.get(model.__name__, set())
    fields = [field for field in model._meta.concrete_fields if field.name not in secret]
    shown = [field.attname for field in fields if _is_listed(field)]
    first = model._meta.pk.attname
    columns = [first, *(name for name in shown if name != first)][:LISTED_AT_MOST]
    filters = [field.name for field in fields if field.choices or _is_switch(field)]
    attributes = {
        "list_display": columns,
        "list_filter": filters[:4],
        "fields": [field.name for field in fields if field.editable or field.primary_key],
        "readonly_fields": [field.name for field in fields],
    }
    return type(f"{model.__name__}Table", (Table,), attributes)


def _is_listed(field: models.Field[Any, Any]) -> bool:
    if isinstance(field, UNLISTED) or type(field).__name__ == "VectorField":
        return False
    if isinstance(field, models.CharField):
        return bool(field.choices) or field.name in NAMES
    return True


def _is_switch(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, models.BooleanField)


register()
