"""Pages of other sites get no socket: a browser says of which site the page is that opens one."""

from __future__ import annotations

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class OwnPages:
    """The application, for sockets that pages of this very site open.

    A browser sends the session's cookie along whichever page opens a socket: one of another port of
    this machine too, or of a neighbouring name. So the page's site has to be the one that is asked,
    as Django's protection against forged requests has it, and that one of ALLOWED_HOSTS.
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self._refuse = WebsocketDenier()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        known = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        is_own = _is_own(known.get(b"origin", ""), known.get(b"host", ""))
        await (self._application if is_own else self._refuse)(scope, receive, send)


def _is_own(origin: str, host: str) -> bool:
    domain, _ = split_domain_port(host)
    is_ours = bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)
    return is_ours and origin in {f"http://{host}", f"https://{host}"}
