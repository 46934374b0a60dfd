"""What a row of the export is made of: columns, each with its SQL and its type.

PostgreSQL builds the lines, Parquet gets its schema, and a tombstone its empty values from the same
definition, so that every row of a format has every key, always of the same type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

# A list of something, an object, or one of the names.
Type = Literal["string", "int", "float", "bool"] | list["Type"] | dict[str, "Type"]

STRING: Type = "string"
INT: Type = "int"
FLOAT: Type = "float"
BOOL: Type = "bool"
MESSAGE: Type = {"role": STRING, "content": STRING}


@dataclass(frozen=True, slots=True)
class Column:
    """`sql` may use the aliases of `rows.SHOWN` and of its format's own `source`."""

    name: str
    type: Type
    sql: str


def empty(type_: Type) -> Any:
    """The value that says nothing: of a text or a list an empty one, of a number null."""
    if isinstance(type_, list):
        return []
    if isinstance(type_, dict):
        return {name: empty(part) for name, part in type_.items()}
    return "" if type_ == STRING else None
