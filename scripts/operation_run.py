"""What the operations of try-every-operation hold on to: a server, a receiver of deliveries, and what was made so far."""

import http.client
import http.server
import json
import secrets
import threading
import time
import urllib.error
import urllib.request

REQUEST_SECONDS = 60
WAIT_SECONDS = 20
DETAIL_LENGTH_MAX = 400


class Trouble(Exception):
    """What an operation did wrong, in words."""


def check(is_right, what):
    if not is_right:
        raise Trouble(what)


class Receiver:
    """Takes deliveries, keeps them by path, and answers 200."""

    def __init__(self, host):
        self._arrived = threading.Condition()
        self._requests = {}
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                with receiver._arrived:
                    receiver._requests.setdefault(self.path, []).append((dict(self.headers.items()), body))
                    receiver._arrived.notify_all()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Nothing: the report is the output."""

        self._server = http.server.ThreadingHTTPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{host}:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def count(self, path):
        with self._arrived:
            return len(self._requests.get(path, []))

    def wait_for(self, path, count):
        """The headers and body of the request number `count` of a path."""
        with self._arrived:
            has_arrived = self._arrived.wait_for(lambda: len(self._requests.get(path, [])) >= count, WAIT_SECONDS)
            check(has_arrived, f"the receiver got {len(self._requests.get(path, []))} deliveries at {path}, not "
                               f"{count}, within {WAIT_SECONDS} s; the server must be allowed to reach {self.url} "
                               "(--egress-allow, --egress-http)")
            return self._requests[path][count - 1]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Run:
    """The operations' hold on the server, and what they have made so far."""

    def __init__(self, url, key, receiver):
        self.url = url.rstrip("/")
        self.admin_key = key
        self.receiver = receiver
        self.word = secrets.token_hex(6)
        self.event_type = f"try_every_operation.{self.word}"
        self.made = {}

    def __getattr__(self, name):
        made = self.__dict__.get("made", {})
        if name not in made:
            raise Trouble(f"was not tried: it needs the {name.replace('_', ' ')} that an earlier operation did not give")
        return made[name]

    def call(self, method, path, expect, body=None, key=None):
        """The JSON of an answer (text, if it is none), or Trouble that quotes what came instead."""
        status, text, content_type = self.request(method, path, body, key or self.made.get("key") or self.admin_key)
        check(status == expect, f"answered {status}, not {expect}: {text[:DETAIL_LENGTH_MAX]}")
        if "json" not in content_type:
            return text
        try:
            return json.loads(text)
        except ValueError as error:
            raise Trouble(f"the answer is not JSON: {error}") from error

    def request(self, method, path, body, key):
        headers = {"Authorization": f"Bearer {key}", "User-Agent": "try-every-operation"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:
                return response.status, response.read().decode(), response.headers.get("Content-Type", "")
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode(errors="replace"), refused.headers.get("Content-Type", "")
        except (OSError, http.client.HTTPException) as error:
            raise Trouble(f"no answer from {self.url}: {error}") from error

    def admin(self, method, path, expect, body=None):
        return self.call(method, path, expect, body, self.admin_key)

    def eventually(self, look, what):
        """What `look` gives once it gives something."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            seen = look()
            if seen:
                return seen
            check(time.monotonic() < deadline, f"{what} was not so within {WAIT_SECONDS} s")
            time.sleep(0.02)

    def publish(self):
        return self.call("POST", "/api/v1/events", 202, {
            "event_type": self.event_type, "data": {"try": self.word}, "webhook_ids": [self.webhook["id"]]})

    def delivery_of(self, event, *states):
        """The one delivery of an event, once it is in one of these states."""
        def look():
            rows = self.call("GET", f"/api/v1/events/{event['id']}/deliveries", 200)["data"]
            return rows[0] if rows and rows[0]["status"] in states else None
        return self.eventually(look, f"a delivery that is {' or '.join(states)}")
