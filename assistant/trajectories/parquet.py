"""Lines of the export as Parquet files. Only the worker that builds snapshots imports this."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet

from assistant.trajectories.columns import Type
from assistant.trajectories.formats import Format

_ARROW = {"string": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
PART_BYTES = 256_000_000
CHUNK = 1 << 20


def schema(form: Format) -> pa.Schema:
    """The same for every snapshot of a format."""
    return pa.schema([pa.field(column.name, _arrow(column.type)) for column in form.columns])


def table(lines: bytes, form: Format) -> pa.Table:
    """Raises pyarrow.ArrowInvalid where the lines are not what the format says."""
    shape = schema(form)
    if not lines:
        return shape.empty_table()
    return pyarrow.json.read_json(
        io.BytesIO(lines),
        read_options=pyarrow.json.ReadOptions(block_size=len(lines) + 1),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=shape, unexpected_field_behavior="error"
        ),
    )


class Parts:
    """Parquet files of one schema in a folder, a row group a table, begun anew when one is large.

    There is at least one, so that the schema can be read where there are no rows.
    """

    def __init__(self, folder: Path, form: Format) -> None:
        self._folder, self._schema = folder, schema(form)
        self._paths: list[Path] = []
        self._rows: list[int] = []
        self._begin()

    def write(self, table: pa.Table) -> None:
        if self._size >= PART_BYTES:
            self._writer.close()
            self._begin()
        self._writer.write_table(table)
        self._size += table.nbytes
        self._rows[-1] += table.num_rows

    def close(self) -> list[dict[str, Any]]:
        """What the manifest says of each file."""
        self._writer.close()
        return [
            {
                "name": path.name,
                "rows": rows,
                "bytes": path.stat().st_size,
                "sha256": _sha256(path),
            }
            for path, rows in zip(self._paths, self._rows, strict=True)
        ]

    def _begin(self) -> None:
        self._paths.append(self._folder / f"part-{len(self._paths):05d}.parquet")
        self._rows.append(0)
        self._size = 0
        self._writer = pyarrow.parquet.ParquetWriter(
            self._paths[-1], self._schema, compression="zstd"
        )


def _arrow(type_: Type) -> pa.DataType:
    if isinstance(type_, list):
        return pa.list_(_arrow(type_[0]))
    if isinstance(type_, dict):
        return pa.struct([pa.field(name, _arrow(part)) for name, part in type_.items()])
    return _ARROW[type_]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
