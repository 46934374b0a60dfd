"""Whether arguments that a policy wrote fit a tool's JSON schema.

Schemas come from servers: references lead nowhere but into the schema itself, and regular
expressions, which can be made to take forever, are left to the server.
"""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from jsonschema.exceptions import SchemaError, best_match
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from assistant.tools.errors import ArgumentsUnfit

LONGEST_ARGUMENTS = 20_000
NOT_CHECKED = {"pattern", "patternProperties", "format"}


def arguments_of(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    """What a policy wrote, as a tool takes it. Nothing at all is an empty object.

    Raises:
        ArgumentsUnfit: with a sentence that says where, for the policy to try again.
    """
    found = read(text)
    try:
        error = best_match(_validator(schema).iter_errors(found))
    except (SchemaError, Unresolvable, RecursionError, TypeError, ValueError):
        raise ArgumentsUnfit("The tool's own schema is broken, so it can't be called.") from None
    if error is not None:
        where = "".join(f"[{step!r}]" for step in error.absolute_path)
        raise ArgumentsUnfit(f"The arguments{where} don't fit: {error.message[:300]}")
    return found


def read(text: str) -> dict[str, Any]:
    """
    Raises:
        ArgumentsUnfit: it is not a JSON object.
    """
    if len(text) > LONGEST_ARGUMENTS:
        raise ArgumentsUnfit(f"The arguments are longer than {LONGEST_ARGUMENTS:,} characters.")
    try:
        found = json.loads(text, parse_constant=_refuse) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ArgumentsUnfit(f"The arguments are not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ArgumentsUnfit("The arguments are not a JSON object, like {}.")
    return found


def is_usable(schema: Any) -> bool:
    """Whether a server's schema is one."""
    if not isinstance(schema, dict):
        return False
    try:
        _kind(schema).check_schema(_checked(schema))
    except (SchemaError, RecursionError):
        return False
    return True


def _validator(schema: dict[str, Any]) -> Any:
    return _kind(schema)(_checked(schema), registry=Registry())


def _kind(schema: dict[str, Any]) -> Any:
    """Of the draft that the schema names, or the newest."""
    return validator_for(schema, default=jsonschema.Draft202012Validator)


def _checked(schema: Any) -> Any:
    """The schema without what is not checked here; a property may have any of these names."""
    if isinstance(schema, list):
        return [_checked(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: {key: _checked(each) for key, each in value.items()}
        if name in {"properties", "$defs", "definitions"} and isinstance(value, dict)
        else _checked(value)
        for name, value in schema.items()
        if name not in NOT_CHECKED
    }


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
