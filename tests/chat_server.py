"""A real HTTP server of chat completions for tests: it answers over sockets, as told, and keeps what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from whybuy.language.generator import Message, Prompt, Sampling

Body = dict[str, Any]
LIST = "1. hiking in winter\n2. pregnant women\n3. keeping feet dry"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0  # seconds before it goes
    hang_up: bool = False  # instead


def says(text: str, finish: str = "stop", **more: object) -> Reply:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 30, "completion_tokens": len(text.split()), "total_tokens": 30 + len(text.split())}
    return Reply(body=json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage, **more}).encode())


def refuses(status: int, message: str, **headers: str) -> Reply:
    """An error as OpenAI words it."""
    body = json.dumps({"error": {"message": message, "type": "error"}}).encode()
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


class ChatServer:
    """Answers `/v1/chat/completions` in threads of its own."""

    def __init__(self, reply: Callable[[Body, int], Reply] = lambda body, number: says(LIST), *, port: int = 0) -> None:
        """reply: to a request, by its body and its number, from 0."""
        self.requests: list[Body] = []
        self.headers: list[Mapping[str, str]] = []
        self.most_at_once = self._at_once = 0
        self._reply, self._turn = reply, threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                assert self.path == "/v1/chat/completions"
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = server._answer(body, dict(self.headers))
                if reply.hang_up:
                    self.close_connection = True
                    self.connection.close()
                    return
                with suppress(ConnectionError):  # the other side went first, as one does that is stopped
                    self._send(reply)

            def _send(self, reply: Reply) -> None:
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

            def finish(self) -> None:
                with suppress(OSError):
                    super().finish()

        return Handler

    def _answer(self, body: Body, headers: Mapping[str, str]) -> Reply:
        with self._turn:
            number = len(self.requests)
            self.requests.append(body)
            self.headers.append(headers)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        reply = self._reply(body, number)
        time.sleep(reply.delay)
        with self._turn:
            self._at_once -= 1
        return reply


def prompts(count: int, sampling: Sampling | None = None) -> list[Prompt]:
    """Different prompts."""
    how = sampling or Sampling()
    return [
        Prompt((Message("system", "Be brief."), Message("user", f"Why number {number}?")), how)
        for number in range(count)
    ]
