"""Middleware around every request: a request id, safe headers, a limit of the body size, and timing."""

import re
import time
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Observer = Callable[[str, str, int, float], None]
"""Called with the route, method, status and seconds of each answered request."""

_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SAFE_HEADERS = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Envelope:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, observe: Observer = lambda *_: None, largest_body: int = 4_000_000) -> None:
        """Wrap `app`; a request body of more than `largest_body` bytes is refused with 413."""
        self._app = app
        self._observe = observe
        self._largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        scope["request_id"] = _request_id(Headers(scope=scope))

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update({**_SAFE_HEADERS, "X-Request-ID": scope["request_id"]})
            await send(message)

        try:
            await self._app(scope, self._limited(receive), send_wrapped)
        finally:
            self._observe(_route(scope), scope["method"], status, time.perf_counter() - started)

    def _limited(self, receive: Receive) -> Receive:
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._largest_body:
                raise HTTPException(413, f"The body is larger than {self._largest_body:,} bytes. Send it in parts.")
            return message

        return receive_limited


def _request_id(headers: Headers) -> str:
    """The client's own id when it is a plain word, else a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _route(scope: Scope) -> str:
    """The path pattern of the route, so that there are as many labels as routes."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return str(getattr(scope.get("route"), "path", "unmatched"))
