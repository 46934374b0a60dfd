"""Images as people upload them, and as those who mean harm do."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

RED = (200, 30, 30)


def picture(
    kind: str = "PNG", size: tuple[int, int] = (8, 4), *, mode: str = "RGB", **save: Any
) -> bytes:
    buffer = BytesIO()
    Image.new(mode, size, RED if mode == "RGB" else 0).save(buffer, kind, **save)
    return buffer.getvalue()


def noise(side: int = 64) -> bytes:
    """A PNG that does not get smaller."""
    buffer = BytesIO()
    Image.effect_noise((side, side), 80).save(buffer, "PNG")
    return buffer.getvalue()


def header_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is that large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def repeating(scans: int) -> bytes:
    """A JPEG of a few kilobytes that paints its picture again and again."""
    whole = picture("JPEG", (64, 64), progressive=True)
    last = whole.rfind(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * scans + whole[-2:]


def inflating() -> bytes:
    """A PNG whose comment is 200 MB once it is unpacked."""
    whole = picture("PNG")
    comment = b"zTXtComment\0\0" + zlib.compress(bytes(200_000_000), 9)
    chunk = struct.pack(">I", len(comment) - 4) + comment + struct.pack(">I", zlib.crc32(comment))
    # Behind the signature and the header.
    return whole[:33] + chunk + whole[33:]


def upload(
    client: Client, content: bytes, name: str = "photo.png", declared: str = "image/png"
) -> Any:
    file = SimpleUploadedFile(name, content, content_type=declared)
    return client.post("/v1/images", {"file": file})
