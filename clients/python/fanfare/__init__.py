"""Publishes events to a Fanfare server, with Python 3.9 or newer and without any dependency.

The one promise: a call publishes its event once or says that it may not have. Every call makes one Idempotency-Key and
sends the same bytes under it on each attempt, so that an attempt whose answer was lost may be repeated without
publishing twice. Attempts and time are bounded; whatever goes wrong is a FanfareError that knows the server's request
id.

A publisher holds no connection and no state: share one in the whole process, from any thread.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import IO, Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

__all__ = ["ApiError", "Fanfare", "FanfareError", "FieldError", "NoAnswerError", "Published"]

DETAIL_LENGTH_MAX = 200
RETRY_DELAY_MAX = 5.0
RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
READ_BYTES = 65_536


class _Omitted:
    """What an argument is when it was not given; None would be a value that somebody gave by mistake."""

    def __repr__(self) -> str:
        return "(left out)"


OMITTED = _Omitted()


@dataclass(frozen=True)
class Published:
    """The server's answer, and how it was got."""

    id: str
    event_id: Optional[str]
    deliveries: int
    """How many webhooks get it."""
    duplicate: bool
    """True if this event_id was published before; nothing new is delivered then."""
    request_id: Optional[str]
    attempts: int
    answer: Mapping[str, Any] = field(repr=False)
    """All of it."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of a refused request."""

    code: str
    detail: str
    pointer: Optional[str] = None
    """The JSON pointer of the field, such as /event_type."""
    parameter: Optional[str] = None


@dataclass(frozen=True)
class _Facts:
    request_id: Optional[str]
    attempts: int
    idempotency_key: str

    def mention(self) -> str:
        return "" if self.request_id is None else f" (request {self.request_id})"


@dataclass(frozen=True)
class _Answer:
    status: int
    text: str
    request_id: Optional[str]
    retry_after: Optional[float]
    value: Any = None


_Outcome = Union[_Answer, Exception]


class FanfareError(Exception):
    """Every failure of a call that was made as it should be; wrong arguments are a TypeError or ValueError."""

    def __init__(self, message: str, facts: _Facts) -> None:
        super().__init__(message)
        self.request_id: Optional[str] = facts.request_id
        """The server's id of the last request that it answered, to be named in a report."""
        self.attempts: int = facts.attempts
        self.idempotency_key: str = facts.idempotency_key


class ApiError(FanfareError):
    """The server answered, and not with a success."""

    def __init__(self, answer: _Answer, facts: _Facts) -> None:
        code, detail, errors = _problem_of(answer)
        super().__init__(f"{answer.status} {code}: {detail}{facts.mention()}", facts)
        self.status: int = answer.status
        self.code: str = code
        """The stable word for what happened, such as validation_failed; http_502 if a proxy answered."""
        self.detail: str = detail
        self.errors: List[FieldError] = errors
        self.retry_after: Optional[float] = answer.retry_after
        """Seconds."""


class NoAnswerError(FanfareError):
    """The last attempt had no answer: whether the event was published is not known. `__cause__` says why."""


class Fanfare:
    """A publisher.

    url              where the server is, such as https://hooks.example.com; a path in front of /api/v1 is kept
    key              an API key or a JWT that the server trusts
    attempts         how often one call may try, the first time included
    attempt_timeout  seconds that one attempt may wait for the server
    total_timeout    seconds that the whole call may take, waiting included
    retry_delay      seconds before the second attempt; doubles with each further one, up to 5
    """

    def __init__(self, url: str, key: str, *, attempts: int = 4, attempt_timeout: float = 10.0,
                 total_timeout: float = 30.0, retry_delay: float = 0.25) -> None:
        self._endpoint: str = _endpoint_of(url)
        self._key: str = _text("key", key)
        self._attempts: int = int(_number("attempts", attempts, 1, 20))
        self._attempt_timeout: float = _number("attempt_timeout", attempt_timeout, 0.001, 600)
        self._total_timeout: float = _number("total_timeout", total_timeout, 0.001, 3600)
        self._retry_delay: float = _number("retry_delay", retry_delay, 0, 60)
        self._opener: urllib.request.OpenerDirector = urllib.request.build_opener(_NoRedirects)

    def publish(self, tenant: Union[str, _Omitted] = OMITTED, event_type: str = "", payload: Any = OMITTED, *,
                data: Any = OMITTED, event_id: Optional[str] = None,
                webhook_ids: Optional[Sequence[str]] = None, max_attempts: Optional[int] = None,
                metadata: Optional[Mapping[str, str]] = None, idempotency_key: Optional[str] = None) -> Published:
        """Publishes one event: returns once the server has stored it and all its deliveries.

        Both publish("acme", "invoice.paid", {...}) and publish(event_type="invoice.paid", data={...}, tenant="acme")
        are right; keys of one tenant leave the tenant out. The same event_id published again within 7 days is delivered
        once. Give the idempotency_key of a NoAnswerError to finish what it left open.
        """
        body: Dict[str, Any] = {"event_type": _text("event_type", event_type), "data": _one_of(data, payload)}
        if not isinstance(tenant, _Omitted):
            body["tenant_id"] = _text("tenant", tenant)
        if event_id is not None:
            body["event_id"] = _text("event_id", event_id)
        if webhook_ids is not None:
            body["webhook_ids"] = list(webhook_ids)
        if max_attempts is not None:
            body["max_attempts"] = max_attempts
        if metadata is not None:
            body["metadata"] = dict(metadata)
        key = str(uuid.uuid4()) if idempotency_key is None else _text("idempotency_key", idempotency_key)
        return self._send(_encoded(body), key)

    def trigger_webhook(self, event_type: str, data: Any, user_id: Union[str, _Omitted] = OMITTED,
                        event_id: Optional[str] = None) -> Published:
        """publish() in the words of systems that call a tenant a user; without a user_id it is a broadcast."""
        return self.publish(user_id, event_type, data, event_id=event_id)

    def trigger_event(self, org_id: str, event: str, data: Any) -> Published:
        """publish() in the words of systems that call a tenant an organization."""
        return self.publish(_text("org_id", org_id), event, data)

    # The body was written once: an Idempotency-Key stands for these very bytes.
    def _send(self, body: bytes, idempotency_key: str) -> Published:
        deadline = time.monotonic() + self._total_timeout
        request_id: Optional[str] = None
        attempts = 0
        while True:
            attempts += 1
            time_left = max(0.001, deadline - time.monotonic())
            outcome = self._post(body, idempotency_key, min(self._attempt_timeout, time_left))
            if isinstance(outcome, _Answer):
                request_id = outcome.request_id or request_id
            facts = _Facts(request_id, attempts, idempotency_key)
            published = _published_of(outcome, facts)
            if published is not None:
                return published
            delay = self._delay_after(outcome, attempts)
            if delay is None or time.monotonic() + delay >= deadline:
                raise _failure_of(outcome, facts) from (outcome if isinstance(outcome, Exception) else None)
            time.sleep(delay)

    # One attempt. An exception is returned, not raised: no answer at all is an ordinary outcome here.
    def _post(self, body: bytes, idempotency_key: str, timeout: float) -> _Outcome:
        request = urllib.request.Request(self._endpoint, data=body, method="POST", headers={
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Idempotency-Key": idempotency_key,
            "User-Agent": "fanfare-python/0.1.0",
        })
        deadline = time.monotonic() + timeout
        try:
            try:
                with self._opener.open(request, timeout=timeout) as response:
                    return _answer_of(response.status, response.headers, response, deadline)
            except urllib.error.HTTPError as refused:
                with refused:
                    return _answer_of(refused.code, refused.headers, refused, deadline)
        except (OSError, http.client.HTTPException) as error:
            return error

    # How long to wait before the next attempt; None if there is none. Random, so that publishers that failed together
    # do not come back together.
    def _delay_after(self, outcome: _Outcome, attempts: int) -> Optional[float]:
        if attempts >= self._attempts:
            return None
        backoff = min(self._retry_delay * 2 ** (attempts - 1), RETRY_DELAY_MAX) * random.uniform(0.5, 1)
        if isinstance(outcome, Exception):
            return backoff
        # 409: an earlier attempt of this very call is still at work in the server.
        is_running = outcome.status == 409 and _problem_of(outcome)[0] == "idempotency_key_in_use"
        if outcome.status in RETRIED_STATUSES or is_running:
            return max(backoff, outcome.retry_after or 0)
        return None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: followed, it would take the key along."""

    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str,
                         headers: http.client.HTTPMessage, newurl: str) -> None:
        return None


def _text(name: str, value: object) -> str:
    if isinstance(value, str) and value != "":
        return value
    raise ValueError(f"{name} must be a string that is not empty, not {value!r}")


def _number(name: str, value: object, least: float, most: float) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise ValueError(f"{name} must be a number from {least} to {most}, not {value!r}")


def _endpoint_of(url: object) -> str:
    try:
        parts = urllib.parse.urlsplit(_text("url", url))
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address:
        raise ValueError(f"url must be the server's address such as https://hooks.example.com, not {url!r}")
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + "/api/v1/events", "", ""))


def _one_of(data: Any, payload: Any) -> Any:
    given = [value for value in (data, payload) if not isinstance(value, _Omitted)]
    if len(given) == 1:
        return given[0]
    raise TypeError("an event needs its data: give data or payload, and only one of them")


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


# The timeout of a socket begins anew with each byte; the deadline does not.
def _answer_of(status: int, headers: Mapping[str, str], stream: IO[bytes], deadline: float) -> _Answer:
    parts: List[bytes] = []
    read = getattr(stream, "read1", stream.read)
    while True:
        part = read(READ_BYTES)
        if not part:
            break
        parts.append(part)
        if time.monotonic() > deadline:
            raise TimeoutError("the answer did not end in time")
    content = b"".join(parts)
    expected = headers.get("Content-Length")
    if expected is not None and expected.isdecimal() and int(expected) != len(content):
        raise http.client.IncompleteRead(content, int(expected) - len(content))
    text = content.decode("utf-8", "replace")
    return _Answer(status, text, headers.get("Request-Id"), _retry_after(headers.get("Retry-After")), _parsed(text))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _published_of(outcome: _Outcome, facts: _Facts) -> Optional[Published]:
    # A success that does not name an event comes from another server than ours.
    if isinstance(outcome, Exception) or not 200 <= outcome.status <= 299:
        return None
    value = outcome.value
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return None
    return Published(value["id"], value.get("event_id"), value.get("deliveries", 0), value.get("duplicate", False),
                     facts.request_id, facts.attempts, value)


def _failure_of(outcome: _Outcome, facts: _Facts) -> FanfareError:
    if isinstance(outcome, _Answer):
        return ApiError(outcome, facts)
    times = "once" if facts.attempts == 1 else f"{facts.attempts} times"
    return NoAnswerError(f"The server gave no answer, asked {times}: {outcome}{facts.mention()}", facts)


def _problem_of(answer: _Answer) -> Tuple[str, str, List[FieldError]]:
    value = answer.value
    if isinstance(value, dict) and isinstance(value.get("code"), str):
        listed = value.get("errors")
        errors = [_field_error(one) for one in (listed if isinstance(listed, list) else []) if isinstance(one, dict)]
        return value["code"], str(value.get("detail") or value.get("title") or ""), errors
    detail = f"an answer that is not Fanfare's: {answer.text[:DETAIL_LENGTH_MAX]}" if answer.text else "an empty answer"
    return f"http_{answer.status}", detail, []


def _field_error(value: Mapping[str, Any]) -> FieldError:
    return FieldError(str(value.get("code", "")), str(value.get("detail", "")), value.get("pointer"),
                      value.get("parameter"))


# Seconds or an HTTP date (RFC 9110 10.2.3).
def _retry_after(header: Optional[str]) -> Optional[float]:
    if header is None:
        return None
    if header.isdecimal():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
