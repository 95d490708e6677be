"""What the tests of the publisher run against: the real server, and one that answers as told. All on 127.0.0.1."""

from __future__ import annotations

import http.server
import json
import os
import pathlib
import re
import secrets
import socket
import struct
import subprocess
import tempfile
import threading
import urllib.request
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Union

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
START_SECONDS = 20.0


class Server:
    """A `fanfare serve` of its own on a free port and in an empty directory."""

    def __init__(self) -> None:
        binary = pathlib.Path(os.environ.get("FANFARE_BIN", str(REPOSITORY / "build/release/fanfare")))
        if not binary.exists():
            raise RuntimeError(f"no server binary at {binary}: build it first, or set FANFARE_BIN")
        self.admin_key: str = secrets.token_hex(24)
        self._directory = tempfile.TemporaryDirectory(prefix="fanfare-test-")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FANFARE_")}
        self._process = subprocess.Popen(
            [str(binary), "serve", "--listen", "127.0.0.1:0", "--database", f"sqlite:{self._directory.name}/fanfare.db",
             "--egress-allow", "127.0.0.0/8", "--egress-http"],
            env={**environment, "FANFARE_ADMIN_KEY": self.admin_key}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._told: List[str] = []
        self._address: Optional[str] = None
        self._listens = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        if not self._listens.wait(START_SECONDS) or self._address is None:
            self._process.kill()
            self.stop()
            raise RuntimeError("the server did not start:\n" + "".join(self._told))
        self.url: str = self._address

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.append(line)
            found = re.search(r"listening on (http://127\.0\.0\.1:\d+)", line)
            if found:
                self._address = found[1]
                self._listens.set()
        self._listens.set()

    def call(self, method: str, where: str, body: Any = None) -> Any:
        """What an administrator's call is answered; any status but a success is an HTTPError."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{where}", method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.admin_key}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or "null")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._directory.cleanup()


class Request(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    status: int
    headers: Dict[str, str] = {}
    body: str = ""


RESET = "reset"
HANG = "hang"
Step = Union[Reply, str]
Script = Callable[[Request, int], Step]


class OddServer:
    """Answers each POST as its script says: `script(request, index)` gives a Reply, RESET or HANG."""

    def __init__(self, script: Script) -> None:
        self.requests: List[Request] = []
        self._closing = threading.Event()
        odd = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                odd.requests.append(request)
                odd._play(self, script(request, len(odd.requests) - 1))

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the tests look at what was recorded."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url: str = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def _play(self, handler: http.server.BaseHTTPRequestHandler, step: Step) -> None:
        handler.close_connection = True
        if isinstance(step, Reply):
            handler.send_response(step.status)
            headers = {"Content-Length": str(len(step.body.encode())), **step.headers}
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(step.body.encode())
        elif step == RESET:
            # Closed with linger 0, a connection ends in a reset.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        else:
            self._closing.wait()

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def in_turn(*steps: Step) -> Script:
    """A script that plays these steps; the last one repeats."""
    return lambda request, index: steps[min(index, len(steps) - 1)]
