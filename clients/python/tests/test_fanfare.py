"""The publisher against the real server, and against one that misbehaves as told."""

from __future__ import annotations

import inspect
import json
import pathlib
import sys
import time
import typing
import unittest
import urllib.error
import urllib.request
from typing import Any, ClassVar, Dict, List, Optional, Tuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import fanfare  # noqa: E402
from fanfare import ApiError, Fanfare, FanfareError, NoAnswerError, Published  # noqa: E402
from fanfare_server import HANG, OddServer, RESET, Reply, Request, Script, Server, Step, in_turn  # noqa: E402

ACCEPTED = Reply(202, body='{"id":"evt_1","event_id":null,"deliveries":1,"duplicate":false}')


class RealServerTest(unittest.TestCase):
    server: ClassVar[Server]
    tenant: ClassVar[str]
    key: ClassVar[str]
    events: ClassVar[int] = 0

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        call = cls.server.call
        cls.tenant = call("POST", "/tenants", {"name": "Publishers", "external_id": "acme"})["id"]
        call("POST", "/event-types", {"name": "invoice.paid"})
        call("POST", "/webhooks", {"tenant_id": cls.tenant, "url": "http://127.0.0.1:9/hook", "events": ["*"]})
        cls.key = call("POST", "/api-keys", {"tenant_id": cls.tenant, "role": "publish"})["key"]

    def fresh_data(self) -> Dict[str, str]:
        RealServerTest.events += 1
        return {"invoice": f"in_{RealServerTest.events}"}

    def stored(self, where: str) -> Any:
        return self.server.call("GET", f"{where}?tenant_id={self.tenant}")

    def test_an_event_is_stored_and_answered_with_the_request_id(self) -> None:
        data = {**self.fresh_data(), "text": "größer \U0001f680", "nested": [1, None, {"a": 1.5}]}

        published = Fanfare(self.server.url, self.key).publish(event_type="invoice.paid", data=data)

        self.assertEqual((published.event_id, published.deliveries, published.duplicate, published.attempts),
                         (None, 1, False, 1))
        self.assertRegex(published.request_id or "", r"^\S{8,}$")
        self.assertEqual(published.answer["id"], published.id)
        self.assertEqual(self.stored(f"/events/{published.id}")["data"], data)

    def test_the_same_event_id_again_is_a_duplicate_of_the_first(self) -> None:
        publisher = Fanfare(self.server.url, self.key)
        data = self.fresh_data()

        first, second = (publisher.publish(event_type="invoice.paid", data=data, event_id="order-17",
                                           metadata={"by": "test"}) for _ in range(2))

        self.assertEqual((first.duplicate, second.duplicate, second.id), (False, True, first.id))
        self.assertEqual(self.stored(f"/events/{first.id}")["metadata"], {"by": "test"})

    def test_every_way_to_name_the_tenant_publishes_its_event(self) -> None:
        publisher = Fanfare(self.server.url + "/", self.server.admin_key)
        ways = [
            lambda data: publisher.publish("acme", "invoice.paid", data),
            lambda data: publisher.publish(event_type="invoice.paid", data=data, tenant="acme"),
            lambda data: publisher.trigger_webhook("invoice.paid", data, user_id="acme"),
            lambda data: publisher.trigger_event("acme", "invoice.paid", data),
        ]
        for way in ways:
            data = self.fresh_data()
            event = self.stored(f"/events/{way(data).id}")
            self.assertEqual((event["tenant_id"], event["event_type"], event["data"]),
                             (self.tenant, "invoice.paid", data))

    def test_what_the_server_refuses_is_an_api_error_with_its_problem_and_not_repeated(self) -> None:
        with self.assertRaises(ApiError) as refused:
            Fanfare(self.server.url, self.key).publish(event_type="invoice.piad", data={})

        error = refused.exception
        self.assertIsInstance(error, FanfareError)
        self.assertEqual((error.status, error.code, error.attempts), (422, "validation_failed", 1))
        self.assertEqual(error.errors[0].pointer, "/event_type")
        self.assertIn("invoice.paid", error.errors[0].detail)
        self.assertTrue(error.request_id and error.request_id in str(error), str(error))

    def test_a_wrong_key_is_a_401_whose_message_does_not_show_it(self) -> None:
        wrong = "ff_live_not-a-key-of-this-server"

        with self.assertRaises(ApiError) as refused:
            Fanfare(self.server.url, wrong).publish(event_type="invoice.paid", data={})

        self.assertEqual(refused.exception.status, 401)
        self.assertNotIn(wrong, str(refused.exception))

    def test_an_attempt_whose_answer_is_lost_is_repeated_without_publishing_twice(self) -> None:
        odd = OddServer(self.losing_the_first_answer)
        self.addCleanup(odd.close)

        published = Fanfare(odd.url, self.key, retry_delay=0.001).publish(
            event_type="invoice.paid", data=self.fresh_data(), event_id="lost-answer")

        self.assertEqual((published.attempts, published.duplicate, published.deliveries), (2, False, 1))
        ids = [event["event_id"] for event in self.stored("/events")["data"]]
        self.assertEqual(ids.count("lost-answer"), 1)

    def losing_the_first_answer(self, request: Request, index: int) -> Step:
        passed_on = {name: request.headers[name] for name in ("authorization", "idempotency-key", "content-type")}
        onward = urllib.request.Request(self.server.url + request.path, data=request.body, headers=passed_on)
        with urllib.request.urlopen(onward, timeout=30) as response:
            return RESET if index == 0 else Reply(response.status, body=response.read().decode())


class OddServerTest(unittest.TestCase):
    DATA = {"n": 1}

    def against(self, script: Script, **options: Any) -> Tuple[Optional[Published], Any, List[Request]]:
        """(published, error, requests) of a publish to a server that answers as told."""
        odd = OddServer(script)
        self.addCleanup(odd.close)
        try:
            publisher = Fanfare(odd.url, "k", **{"retry_delay": 0.001, **options})
            return publisher.publish(event_type="invoice.paid", data=self.DATA), None, odd.requests
        except FanfareError as error:
            return None, error, odd.requests

    def test_what_may_pass_is_tried_again_with_the_same_key_and_bytes(self) -> None:
        running = Reply(409, body='{"code":"idempotency_key_in_use","detail":"still running"}')
        cut_short = Reply(202, {"Content-Length": "1000"}, ACCEPTED.body)
        statuses = [Reply(status) for status in (408, 429, 500, 502, 503, 504)]
        for step in [*statuses, running, cut_short, RESET]:
            with self.subTest(step):
                published, _, requests = self.against(in_turn(step, step, ACCEPTED))

                assert published is not None
                self.assertEqual((published.attempts, len(requests)), (3, 3))
                self.assertEqual(len({request.headers["idempotency-key"] for request in requests}), 1)
                self.assertEqual({request.body for request in requests},
                                 {json.dumps({"event_type": "invoice.paid", "data": self.DATA},
                                             separators=(",", ":")).encode()})

    def test_what_will_not_pass_is_not_tried_again(self) -> None:
        for status in (400, 401, 403, 404, 409, 413, 422, 501):
            with self.subTest(status):
                _, error, requests = self.against(in_turn(Reply(status)))

                self.assertIsInstance(error, ApiError)
                self.assertEqual((error.status, len(requests)), (status, 1))

    def test_two_calls_have_two_keys(self) -> None:
        keys = {self.against(in_turn(ACCEPTED))[2][0].headers["idempotency-key"] for _ in range(2)}

        self.assertEqual(len(keys), 2)

    def test_attempts_are_bounded_and_the_error_keeps_the_last_request_id(self) -> None:
        _, error, requests = self.against(in_turn(Reply(503, {"Request-Id": "req_1"}), RESET), attempts=3)

        self.assertIsInstance(error, NoAnswerError)
        self.assertEqual((error.attempts, error.request_id, len(requests)), (3, "req_1", 3))
        self.assertEqual(error.idempotency_key, requests[0].headers["idempotency-key"])
        self.assertIsInstance(error.__cause__, OSError)

    def test_a_server_that_never_answers_is_given_up_in_time(self) -> None:
        started = time.monotonic()

        _, error, requests = self.against(in_turn(HANG), attempt_timeout=0.06, attempts=2)

        self.assertIsInstance(error, NoAnswerError)
        self.assertEqual(len(requests), 2)
        self.assertLess(time.monotonic() - started, 5)

    def test_retry_after_is_kept_to(self) -> None:
        started = time.monotonic()

        published, _, _ = self.against(in_turn(Reply(429, {"Retry-After": "1"}), ACCEPTED))

        assert published is not None
        self.assertEqual(published.attempts, 2)
        self.assertGreaterEqual(time.monotonic() - started, 0.99)

    def test_a_retry_after_beyond_the_time_left_ends_the_call_and_is_handed_on(self) -> None:
        _, error, requests = self.against(in_turn(Reply(503, {"Retry-After": "3600", "Request-Id": "req_2"})))

        self.assertEqual((error.status, error.retry_after, error.request_id, len(requests)), (503, 3600, "req_2", 1))

    def test_a_redirect_is_not_followed(self) -> None:
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status):
                _, error, requests = self.against(in_turn(Reply(status, {"Location": "/elsewhere"})))

                self.assertEqual((error.status, error.code, len(requests)), (status, f"http_{status}", 1))

    def test_a_success_that_is_not_ours_is_an_error(self) -> None:
        for body in ("<html>Welcome</html>", "", "{}", "[]", "null", "[" * 100_000):
            with self.subTest(body[:20]):
                _, error, requests = self.against(in_turn(Reply(200, body=body)))

                self.assertIsInstance(error, ApiError)
                self.assertEqual((error.code, len(requests)), ("http_200", 1))

    def test_the_answer_of_a_proxy_is_quoted_in_short(self) -> None:
        _, error, _ = self.against(in_turn(Reply(413, body="<html>" + "too large " * 1000)))

        self.assertTrue(error.detail.startswith("an answer that is not Fanfare's: <html>too large"), error.detail)
        self.assertLess(len(error.detail), 300)

    def test_an_event_without_a_user_names_none_and_is_a_broadcast_with_a_service_key(self) -> None:
        odd = OddServer(in_turn(ACCEPTED))
        self.addCleanup(odd.close)

        Fanfare(odd.url + "/prefix/", "k").trigger_webhook("invoice.paid", {"n": 1}, event_id="e")

        self.assertEqual(odd.requests[0].path, "/prefix/api/v1/events")
        self.assertEqual(json.loads(odd.requests[0].body),
                         {"event_type": "invoice.paid", "data": {"n": 1}, "event_id": "e"})


class WrongUseTest(unittest.TestCase):
    def test_a_publisher_needs_an_address_a_key_and_sensible_bounds(self) -> None:
        wrong: List[Dict[str, Any]] = [
            {"url": ""}, {"url": "hooks.example.com"}, {"url": "ftp://hooks.example.com"}, {"url": "http://:x/"},
            {"url": "file:///etc/passwd"}, {"url": None}, {"key": ""}, {"key": None}, {"attempts": 0},
            {"attempts": 21}, {"attempts": float("nan")}, {"total_timeout": 0}, {"attempt_timeout": "5"},
            {"retry_delay": True},
        ]
        for change in wrong:
            with self.subTest(change), self.assertRaises(ValueError):
                Fanfare(**{"url": "https://hooks.example.com", "key": "k", **change})

    def test_an_event_that_would_surprise_its_publisher_is_refused_before_anything_is_sent(self) -> None:
        publisher: Any = Fanfare("http://127.0.0.1:1", "k")
        cyclic: Dict[str, Any] = {}
        cyclic["self"] = cyclic
        calls = [
            lambda: publisher.publish(data={}),
            lambda: publisher.publish(event_type="", data={}),
            lambda: publisher.publish(event_type="invoice.paid"),
            lambda: publisher.publish("acme", "invoice.paid", {}, data={}),
            lambda: publisher.publish(event_type="invoice.paid", data={}, tenant=None),
            lambda: publisher.publish("", "invoice.paid", {}),
            lambda: publisher.publish("acme", "invoice.paid", {}, event_id=""),
            lambda: publisher.publish("acme", "invoice.paid", {}, idempotency_key=""),
            lambda: publisher.publish("acme", "invoice.paid", cyclic),
            lambda: publisher.publish("acme", "invoice.paid", float("nan")),
            lambda: publisher.publish("acme", "invoice.paid", object()),
            lambda: publisher.publish("acme", "invoice.paid", "\ud800"),
            lambda: publisher.trigger_webhook("invoice.paid", {}, user_id=None),
            lambda: publisher.trigger_event(None, "invoice.paid", {}),
        ]
        for call in calls:
            with self.subTest(inspect.getsource(call).strip()), self.assertRaises((TypeError, ValueError)):
                call()


class TypesTest(unittest.TestCase):
    def test_every_function_is_annotated_in_full_and_the_package_says_so(self) -> None:
        functions = [value for holder in [fanfare, *filter(inspect.isclass, vars(fanfare).values())]
                     for value in vars(holder).values()
                     if inspect.isfunction(value) and value.__module__ == "fanfare"
                     and value.__code__.co_filename == fanfare.__file__]
        self.assertGreater(len(functions), 20)
        for function in functions:
            with self.subTest(function.__qualname__):
                hints = typing.get_type_hints(function)
                parameters = [name for name in inspect.signature(function).parameters if name != "self"]
                self.assertEqual(sorted(hints), sorted([*parameters, "return"]))
        self.assertTrue((pathlib.Path(fanfare.__file__).parent / "py.typed").exists())


if __name__ == "__main__":
    unittest.main()
