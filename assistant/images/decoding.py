"""Bytes from outside as an image that holds nothing but its picture.

What it is, is read from the content; a name or a declared type counts for nothing. The size is
read from the header, and refused, before anything is decoded. The picture is then encoded anew:
EXIF with the place it was taken, colour profiles, comments and whatever hangs behind it are gone.
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from assistant.errors import ImageOversize, ImageUnreadable

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_PIXELS = 50_000_000
LONG_SIDE = 2048
# What is narrower shows nothing, and processors of models that see refuse it.
MOST_NARROW = 200
QUALITY = 88
# A progressive JPEG paints its whole picture as often as it says; cameras say ten times.
MOST_SCANS = 100
MOST_SEGMENTS = 10_000
# A picture of the most pixels takes 400 MB while it is decoded: two at a time, the others wait.
_DECODERS = threading.BoundedSemaphore(2)
# In what is painted, 0xFF is followed by a zero or a restart.
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
_JPEG = b"\xff\xd8"
_IMAGE_BEGINS, _IMAGE_ENDS, _SCAN_BEGINS = b"\xd8", b"\xd9", b"\xda"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture encoded by us."""

    content: bytes
    media_type: str
    width: int
    height: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def decode(content: bytes) -> Picture:
    """The picture in `content`, upright, at most `LONG_SIDE` pixels long, of a GIF the first frame.

    Raises:
        ImageUnreadable: not a whole png, jpeg, webp or gif, or narrower than a model takes it.
        ImageOversize: more than `MOST_PIXELS`.
    """
    with _DECODERS:
        try:
            return _encoded(_not_narrow(_upright(_opened(content))))
        except (ImageUnreadable, ImageOversize):
            raise
        except Exception as error:  # a decoder that reads hostile bytes may raise anything
            raise ImageUnreadable("The image is damaged or cut off. Save it anew.") from error


def _opened(content: bytes) -> Image.Image:
    """The header is read, and no pixel yet."""
    if content.startswith(_JPEG) and not _is_soon_painted(content):
        raise ImageUnreadable("The image is put together in too many steps. Save it anew.")
    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many() from None
    except UnidentifiedImageError:
        raise ImageUnreadable("Only PNG, JPEG, WebP and GIF images are taken.") from None
    if image.width * image.height > MOST_PIXELS:
        raise _too_many()
    return image


def _is_soon_painted(jpeg: bytes) -> bool:
    """A small file with thousands of scans takes minutes, each as long as the picture is large."""
    scans, at = 0, 0
    for _ in range(MOST_SEGMENTS):
        found = _MARKER.search(jpeg, at)
        if found is None or found[1] == _IMAGE_ENDS:
            return True
        scans += found[1] == _SCAN_BEGINS
        if scans > MOST_SCANS:
            return False
        length = jpeg[found.end() : found.end() + 2]
        at = found.end() + (0 if found[1] == _IMAGE_BEGINS else int.from_bytes(length))
    return False


def _too_many() -> ImageOversize:
    return ImageOversize(
        f"The image has too many pixels; at most {MOST_PIXELS // 1_000_000} million are taken."
    )


def _upright(image: Image.Image) -> Image.Image:
    # JPEG alone can be decoded at a fraction of its size, which is what will be kept of it.
    image.draft(None, (LONG_SIDE, LONG_SIDE))
    source = image.format
    plain = _plain(image)
    plain.thumbnail((LONG_SIDE, LONG_SIDE))
    turned = ImageOps.exif_transpose(plain)
    turned.format = source
    return turned


def _not_narrow(image: Image.Image) -> Image.Image:
    if max(image.size) > MOST_NARROW * min(image.size):
        raise ImageUnreadable(
            f"The image is too narrow: one side is more than {MOST_NARROW} times the other."
        )
    return image


def _plain(image: Image.Image) -> Image.Image:
    """Eight bits a channel, in grey or RGB, with transparency where there is some."""
    image.load()
    exif = image.info.get("exif")
    if image.mode in ("L", "RGBA") or (image.mode == "RGB" and not image.has_transparency_data):
        plain = image
    elif image.mode.startswith(("I", "F")):
        plain = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.has_transparency_data:
        plain = image.convert("RGBA")
    else:
        plain = image.convert("L" if image.mode in ("1", "L") else "RGB")
    # All that is left beside the pixels is how they are turned.
    plain.info = {"exif": exif} if exif else {}
    return plain


def _encoded(image: Image.Image) -> Picture:
    target = image.format if image.format in ("JPEG", "WEBP") else "PNG"
    image.info = {}
    buffer = BytesIO()
    image.save(buffer, target, quality=QUALITY)
    return Picture(buffer.getvalue(), f"image/{target.lower()}", image.width, image.height)
