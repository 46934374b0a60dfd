"""Uploading images: what is kept of them, what is refused, and who gets to see them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from PIL import Image as Pillow

from assistant import files
from assistant.errors import ImagesTooMany
from assistant.images import uploads
from assistant.memory import forgetting
from assistant.models import Image
from tests import factories
from tests.pictures import RED, header_of, inflating, noise, picture, repeating, upload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.FILES = str(tmp_path / "files")


def opened(client: Client, pk: object) -> Pillow.Image:
    return Pillow.open(BytesIO(client.get(f"/v1/images/{pk}").content))


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp"), ("GIF", "png")],
)
def test_an_image_is_kept_and_shown_to_its_owner(kind, media_type):
    ada = factories.caller(factories.ada())

    said = upload(ada, picture(kind)).json()

    assert (said["media_type"], said["width"], said["height"]) == (f"image/{media_type}", 8, 4)
    shown = opened(ada, said["id"]).convert("RGB").getpixel((0, 0))
    # Lossy encodings are off by a little.
    assert shown == pytest.approx(RED, abs=8)


def test_one_pixel_is_an_image():
    response = upload(factories.caller(factories.ada()), picture(size=(1, 1)))

    assert response.status_code == 200
    assert (response.json()["width"], response.json()["height"]) == (1, 1)


def test_what_a_camera_wrote_into_an_image_is_gone_and_the_picture_is_upright():
    exif = Pillow.Exif()
    # Turned by a quarter, and taken by this camera.
    exif[0x0112], exif[0x010F] = 6, "Secret Camera"
    ada = factories.caller(factories.ada())

    pk = upload(ada, picture("JPEG", exif=exif, comment=b"at home")).json()["id"]

    kept = ada.get(f"/v1/images/{pk}").content
    assert b"Secret Camera" not in kept
    assert b"at home" not in kept
    assert opened(ada, pk).size == (4, 8)


def test_what_hangs_behind_an_image_is_gone():
    polyglot = picture("PNG") + b"<script>alert(1)</script>"
    ada = factories.caller(factories.ada())

    pk = upload(ada, polyglot).json()["id"]

    assert b"<script>" not in ada.get(f"/v1/images/{pk}").content


def test_an_image_that_is_a_script_too_is_an_image_only():
    # To whom reads an image, "/*" is a width of 10,799.
    gif = picture("GIF", size=(8, 100))
    script = gif[:6] + b"/*" + gif[8:] + b"*/=1;alert(1)"
    ada = factories.caller(factories.ada())

    pk = upload(ada, script, "a.js", "text/javascript").json()["id"]

    shown = ada.get(f"/v1/images/{pk}")
    assert shown["Content-Type"] == "image/png"
    assert b"alert" not in shown.content


def test_a_jpeg_may_be_painted_as_often_as_cameras_do_and_have_a_film_behind_it():
    # In 10 MB of anything, the bytes that begin a scan come about 150 times.
    film = b"\xff\xda\x00\x02" * 200

    response = upload(factories.caller(factories.ada()), repeating(20) + film)

    assert response.json()["media_type"] == "image/jpeg"


def test_a_large_image_is_made_smaller():
    said = upload(factories.caller(factories.ada()), picture("JPEG", (4096, 1024))).json()

    # Halved, so that the long side is 2,048.
    assert (said["width"], said["height"]) == (2048, 512)


def test_of_a_moving_image_the_first_picture_is_kept():
    frames = [Pillow.new("RGB", (4, 4), colour) for colour in (RED, (0, 0, 255))]
    buffer = BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    ada = factories.caller(factories.ada())

    pk = upload(ada, buffer.getvalue(), "moving.gif").json()["id"]

    shown = opened(ada, pk)
    assert getattr(shown, "n_frames", 1) == 1
    assert shown.convert("RGB").getpixel((0, 0)) == RED


def test_transparency_and_sixteen_bits_a_channel_are_understood():
    ada = factories.caller(factories.ada())
    deep = BytesIO()
    Pillow.new("I;16", (2, 2), 32768).save(deep, "PNG")

    clear = upload(ada, picture(mode="RGBA")).json()["id"]
    grey = upload(ada, deep.getvalue()).json()["id"]

    assert opened(ada, clear).getpixel((0, 0)) == (0, 0, 0, 0)
    # Half of the range, in eight bits.
    assert opened(ada, grey).getpixel((0, 0)) == 128


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<!doctype html><script>alert(1)</script>", "page.png"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "drawing.svg"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "drawing.png"),
        (b"\x89PNG\r\n\x1a\n<script>alert(1)</script>", "page.png"),
        (inflating(), "small.png"),
        (repeating(101), "slow.jpg"),
        (b"", "empty.png"),
        (b"%PDF-1.7", "paper.jpg"),
        (picture("BMP"), "old.png"),
        (picture("TIFF"), "scan.png"),
    ],
)
def test_what_is_no_image_of_the_four_kinds_is_refused_whatever_its_name(content, name):
    response = upload(factories.caller(factories.ada()), content, name)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "image_unreadable"
    assert not Image.objects.exists()


def test_a_wrong_name_does_not_matter():
    response = upload(factories.caller(factories.ada()), picture("JPEG"), "a.txt", "text/plain")

    assert response.json()["media_type"] == "image/jpeg"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_half_an_image_is_refused(kind):
    buffer = BytesIO()
    Pillow.effect_noise((64, 64), 80).convert("RGB").save(buffer, kind)
    whole = buffer.getvalue()

    response = upload(factories.caller(factories.ada()), whole[: len(whole) // 2])

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "image_unreadable"


def test_a_picture_of_too_many_pixels_is_refused_by_its_header():
    response = upload(factories.caller(factories.ada()), header_of(10_000, 10_000))

    assert response.status_code == 413
    assert "at most 50 million" in response.json()["error"]["message"]


@pytest.mark.parametrize("size", [(10, 2010), (2010, 10), (4000, 20)])
def test_a_picture_too_narrow_for_any_model_is_refused(size):
    """The last one is 200 times as long as it is high; made 2,048 pixels long, it is 10 high."""
    response = upload(factories.caller(factories.ada()), picture(size=size))

    assert response.status_code == 400
    assert "too narrow" in response.json()["error"]["message"]


def test_too_many_bytes_are_refused_with_both_numbers(settings):
    settings.IMAGE_BYTES = 100
    content = noise()

    response = upload(factories.caller(factories.ada()), content)

    assert response.status_code == 413
    assert f"{len(content):,} bytes; at most 100" in response.json()["error"]["message"]


def test_a_day_holds_only_so_many_bytes(settings):
    ada = factories.caller(factories.ada())
    first = upload(ada, noise()).json()["bytes"]
    settings.IMAGE_DAY_BYTES = first + first // 2

    second = upload(ada, noise())

    assert second.status_code == 429
    assert second.json()["error"]["code"] == "images_too_many"
    assert upload(factories.caller(factories.ben()), noise()).status_code == 200


def test_someone_elses_image_looks_like_none():
    pk = upload(factories.caller(factories.ada()), picture()).json()["id"]

    cy = factories.caller(factories.cy())

    assert cy.get(f"/v1/images/{pk}").status_code == 404
    assert cy.delete(f"/v1/images/{pk}").status_code == 404
    assert Image.objects.filter(pk=pk).exists()


def test_an_image_opened_by_itself_runs_nothing_and_is_cached_for_its_owner_alone():
    ada = factories.caller(factories.ada())
    pk = upload(ada, picture()).json()["id"]

    response = ada.get(f"/v1/images/{pk}")

    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"].startswith("private, max-age=31536000")
    assert response["Content-Type"] == "image/png"


def test_a_form_of_another_site_uploads_nothing():
    ada = factories.browser(factories.ada())

    response = upload(ada, picture())

    assert response.status_code == 403
    assert not Image.objects.exists()


def test_the_page_uploads_with_its_token():
    ada = factories.browser(factories.ada())
    ada.get("/v1/session")
    token = ada.cookies["csrftoken"].value
    form = {"file": BytesIO(picture())}

    response = ada.post("/v1/images", form, headers={"X-CSRFToken": token})

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"not a form", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"{}", "application/json"),
    ],
)
def test_what_is_no_form_with_a_file_is_refused_in_words(body, kind):
    response = factories.caller(factories.ada()).post("/v1/images", body, content_type=kind)

    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_an_image_can_be_taken_back_before_it_is_said(django_capture_on_commit_callbacks):
    ada = factories.caller(factories.ada())
    pk = upload(ada, picture()).json()["id"]
    address = Image.objects.get(pk=pk).address

    assert ada.delete(f"/v1/images/{pk}").status_code == 204
    files.sweep()

    assert ada.get(f"/v1/images/{pk}").status_code == 404
    assert files.shelf().read(address) is None


def test_an_image_that_was_said_is_not_taken_back():
    ada = factories.ada()
    pk = upload(factories.caller(ada), picture()).json()["id"]
    uploads.attach(ada, factories.conversation(ada), [pk])

    response = factories.caller(ada).delete(f"/v1/images/{pk}")

    assert response.status_code == 409


def test_an_image_goes_with_its_conversation_and_with_its_owner():
    ada = factories.ada()
    where = factories.conversation(ada)
    said, unsaid = (upload(factories.caller(ada), picture()).json()["id"] for _ in range(2))
    uploads.attach(ada, where, [said])
    addresses = [Image.objects.get(pk=pk).address for pk in (said, unsaid)]

    forgetting.forget_conversation(ada, where.pk)
    files.sweep()

    assert files.shelf().read(addresses[0]) is None
    assert files.shelf().read(addresses[1]) is not None
    ada.delete()
    files.sweep()
    assert files.shelf().read(addresses[1]) is None


def test_what_was_not_said_within_a_day_is_deleted():
    ada = factories.ada()
    old, said, new = (upload(factories.caller(ada), picture()).json()["id"] for _ in range(3))
    uploads.attach(ada, factories.conversation(ada), [said])
    long_ago = timezone.now() - 2 * uploads.A_DAY
    Image.objects.filter(pk__in=[old, said]).update(created_at=long_ago)

    uploads.forget_unsaid()

    assert {str(image.pk) for image in Image.objects.all()} == {said, new}


def test_an_image_whose_file_is_gone_is_not_found():
    ada = factories.caller(factories.ada())
    pk = upload(ada, picture()).json()["id"]
    files.shelf().delete(Image.objects.get(pk=pk).address)

    assert ada.get(f"/v1/images/{pk}").status_code == 404
    assert ada.get(f"/v1/images/{uuid4()}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_fifty_uploads_at_once_stay_within_the_day(settings):
    ada, content = factories.ada(), noise()
    size = uploads.take_in(ada, content).bytes
    # Ten more fit, and half of one.
    settings.IMAGE_DAY_BYTES = 11 * size + size // 2

    def attempt(_: int) -> bool:
        try:
            uploads.take_in(ada, content)
        except ImagesTooMany:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(16) as people:
        taken = list(people.map(attempt, range(50)))

    assert taken.count(True) == 10
    assert Image.objects.count() == 11
