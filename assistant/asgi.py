"""The web process: HTTP to Django, WebSockets to the chat consumer, built files from disk."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  (Django's apps have to be ready)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402
from servestatic import ServeStaticASGI  # noqa: E402

from assistant import headers  # noqa: E402
from assistant.api.oversize import Bounded  # noqa: E402
from assistant.chat.consumers import ChatConsumer  # noqa: E402
from assistant.chat.origin import OwnPages  # noqa: E402


def _with_files() -> ServeStaticASGI:
    """The built page, and what the admin's packages bring along, from where they lie."""
    root = settings.FRONTEND_DIST if settings.FRONTEND_DIST.is_dir() else None
    served = ServeStaticASGI(
        django_application, root=root, index_file=False, add_headers_function=headers.of_a_file
    )
    for app in apps.get_app_configs():
        if (folder := Path(app.path, "static")).is_dir():
            served.add_files(folder, prefix=settings.STATIC_URL)
    return served


website = _with_files()
application = ProtocolTypeRouter(
    {
        "http": Bounded(website),
        "websocket": OwnPages(
            AuthMiddlewareStack(URLRouter([path("ws/chat/", ChatConsumer.as_asgi())]))
        ),
    }
)
