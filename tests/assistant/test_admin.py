"""Raw rows: for administrators, to look at, with every look written down."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from assistant.admin.site import site
from assistant.asgi import website
from assistant.models import Act
from tests import factories

pytestmark = pytest.mark.django_db
SECRET = "my secret plan"


def test_who_is_not_signed_in_goes_to_the_pages_own_door(client: Client):
    answer = client.get("/admin/", follow=True)

    assert answer.redirect_chain[-1][0] == "/signin"


@pytest.mark.parametrize("who", [factories.ada, factories.rae, factories.rho])
def test_others_than_administrators_are_turned_away(who):
    answer = factories.browser(who()).get("/admin/", follow=True)

    assert answer.status_code == 403


def test_every_table_has_its_list_and_a_row_of_it():
    ann = factories.browser(factories.ann())
    factories.feedback(factories.served(factories.ada()))

    for model in site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert ann.get(path).status_code == 200, path
        row = model._base_manager.first()
        if row is not None:
            assert ann.get(f"{path}{row.pk}/change/").status_code == 200, path


def test_lists_show_no_words_and_a_look_at_a_row_is_written_down():
    message = factories.served(factories.ada(), SECRET, title=SECRET)
    ann = factories.browser(factories.ann())

    lists = [
        ann.get(f"/admin/assistant/{name}/").content.decode()
        for name in ("message", "conversation", "generation", "window")
    ]
    row = ann.get(f"/admin/assistant/message/{message.pk}/change/").content.decode()

    assert not [page for page in lists if SECRET in page]
    assert SECRET in row
    act = Act.objects.get()
    assert (act.name, act.kind, act.subject) == ("ann", "look", f"message {message.pk}")


def test_nothing_can_be_changed_there():
    message = factories.served(factories.ada())
    ann = Client()
    ann.force_login(factories.ann())

    changed = ann.post(f"/admin/assistant/message/{message.pk}/change/", {"parts": "[]"})
    deleted = ann.post(f"/admin/assistant/message/{message.pk}/delete/", {"post": "yes"})

    assert (changed.status_code, deleted.status_code) == (403, 403)


def test_keys_and_passwords_are_not_among_the_rows():
    ada = factories.ada()
    factories.caller(ada)
    ann = factories.browser(factories.ann())

    person = ann.get(f"/admin/assistant/user/{ada.pk}/change/").content.decode()
    key = ann.get(f"/admin/assistant/apikey/{ada.keys.get().pk}/change/").content.decode()

    assert ada.password not in person
    assert ada.keys.get().digest not in key


def test_a_page_loads_nothing_from_elsewhere_and_its_files_are_served():
    page = factories.browser(factories.ann()).get("/admin/")

    loaded = re.findall(
        r"(?:src|href)=\"([^\"#]+\.(?:js|css|woff2|svg|png))[^\"]*\"", page.content.decode()
    )

    assert loaded
    assert not [path for path in loaded if path not in website.files]
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "http" not in page["Content-Security-Policy"]
