"""A client of alwrity-sub's HTTP API, for Python 3.9 and later; the standard library is all that it needs.

It has two layers. `Client` is the API: one method for each thing that an app does. Below it stand the call names of
ALwrity's services, so that code which checks, calls and tracks goes on as it is when one import is changed:

    from alwrity_sub_client import PricingService, UsageTrackingService

A check then takes a reservation, and tracking settles it: what is checked can't be used up by others before the call is
made. A reservation belongs to the task (or thread) that has checked; checking again for the same user and provider
takes another in its place. One that is never tracked ends by itself after `HOLD_SECONDS`. What is tracked without a
check is recorded as an event.

ALWRITY_SUB_URL (default http://127.0.0.1:8080) says where the server is, ALWRITY_SUB_TOKEN with which token to ask: one
with --act-as and the scopes gateway, events and read. Where limits can't be read, calls are refused, unless
USAGE_LIMITS_EMERGENCY_FAIL_OPEN is true.
"""

import asyncio
import contextvars
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timezone
from decimal import Decimal

HOLD_SECONDS = 300
_TRIES = 3


class ApiError(Exception):
    """A request that was refused, or could not be made (status 0)."""

    def __init__(self, status, body):
        error = body.get("error") or {}
        super().__init__(error.get("message") or "the server answered %d" % status)
        self.status = status
        self.code = error.get("code", "")
        self.reason = error.get("reason", "")
        self.hint = error.get("hint", "")
        self.decision = body.get("decision")
        self.resets_at = body.get("resets_at")

    @property
    def refused(self):
        """Whether a limit or the subscription refuses the call."""
        return self.decision is not None


class Client:
    """The HTTP API. Methods return what the server answers, as Python has JSON; money stays text."""

    def __init__(self, url=None, token=None, timeout=30.0):
        self.url = (url or os.environ.get("ALWRITY_SUB_URL") or "http://127.0.0.1:8080").rstrip("/")
        self.token = token or os.environ.get("ALWRITY_SUB_TOKEN") or ""
        self.timeout = timeout

    def check(self, call):
        """Says whether a call would pass; it takes nothing. A refused one is an ApiError with its decision."""
        return self._ask("POST", "/v1/limits/check", body=call)

    def reserve(self, call, hold_id=None, ttl=HOLD_SECONDS):
        """Takes a hold on the limits for a call that is about to be made."""
        return self._ask("POST", "/v1/reservations", body=dict(call, id=hold_id or str(uuid.uuid4()), ttl=ttl))

    def settle(self, hold_id, event):
        """Records what a reserved call has really used."""
        return self._ask("POST", "/v1/reservations/" + _quote(hold_id) + "/settle", body=event)

    def release(self, hold_id):
        """Gives back what a reservation holds."""
        return self._ask("DELETE", "/v1/reservations/" + _quote(hold_id))

    def record(self, event, **options):
        """Records an event. One without an id gets one, so that trying again records nothing twice."""
        return self._ask("POST", "/v1/events", options, dict({"id": str(uuid.uuid4())}, **event))

    def record_all(self, events, **options):
        """Records up to 10,000 events, and returns what became of each."""
        events = [dict({"id": str(uuid.uuid4())}, **event) for event in events]
        return self._ask("POST", "/v1/events", options, events)

    def metered(self, ttl=HOLD_SECONDS, **call):
        """A call to make in a with block: reserved on entry, settled at the end. See Metered."""
        return Metered(self, call, ttl)

    def usage(self, user):
        """The user's running period against every limit."""
        return self._ask("GET", "/v1/users/" + _quote(user) + "/usage")

    def limits(self, user):
        """The user's limits, and when they begin anew."""
        return self._ask("GET", "/v1/users/" + _quote(user) + "/limits")

    def quote(self, provider, model="", **quantities):
        """What a call would cost, part by part."""
        return self._ask("GET", "/v1/prices/quote", dict(quantities, provider=provider, model=model))

    def prices(self, provider="", model=""):
        """The prices in force."""
        return self._ask("GET", "/v1/prices", {"provider": provider, "model": model})

    def _ask(self, method, path, query=None, body=None):
        given = {k: _text(v) for k, v in (query or {}).items() if v not in (None, "", False)}
        url = self.url + path + ("?" + urllib.parse.urlencode(given) if given else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={
            "Authorization": "Bearer " + self.token, "Content-Type": "application/json", "Accept": "application/json"})
        for attempt in range(_TRIES):
            # Every request may be made again: what records or reserves has an id.
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as failure:
                error = ApiError(failure.code, _body(failure))
                if failure.code != 503:
                    raise error from None
            except (OSError, ValueError) as failure:
                error = ApiError(0, {"error": {"code": "unavailable", "message": str(failure)}})
            if attempt + 1 < _TRIES:
                time.sleep(0.2 * 2**attempt)
        raise error


def _quote(text):
    return urllib.parse.quote(str(text), safe="")


def _text(value):
    return "true" if value is True else str(value)


def _body(failure):
    try:
        body = json.loads(failure.read())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


class Metered:
    """A call that is about to be made: what it may use is reserved on entry, and what it has used is settled at the end.

        with client.metered(user_id="ann", provider="openai", model="gpt-4o", output_tokens=500) as call:
            answer = openai.chat.completions.create(...)
            call.used(input_tokens=answer.usage.prompt_tokens, output_tokens=answer.usage.completion_tokens)

    A limit that refuses is an ApiError on entry, and nothing is called. A block that raises is recorded as a failed call,
    which is not charged. One that says nothing of what it has used is charged what was reserved, as an estimate. After
    the block `event` is what the server has answered, with its cost. `async with` does the same in a thread.
    """

    def __init__(self, client, call, ttl=HOLD_SECONDS):
        self.client, self.call, self.ttl = client, dict(call), ttl
        self.id = str(uuid.uuid4())
        self.event = None
        self._used, self._began = None, 0.0

    def used(self, **fields):
        """Says what the call has used: quantities, and whatever else an event has, such as model or status_code."""
        self._used = dict(self._used or {}, **{name: value for name, value in fields.items() if value is not None})

    def begin(self):
        """Takes the reservation."""
        self.client.reserve(self.call, self.id, self.ttl)
        self._began = time.monotonic()
        return self

    def settle(self, error=None):
        """Records what the call has used, in place of its reservation."""
        event = dict(self.call, measured="estimated") if self._used is None else dict(_bare(self.call), **self._used)
        event.setdefault("response_time_ms", round((time.monotonic() - self._began) * 1000))
        if error is not None:
            event = dict(_bare(event), status_code=getattr(error, "status_code", None) or 500,
                         error_message=str(error)[:500])
        self.event = _record(event, self.id, self.client)
        return self.event

    def __enter__(self):
        return self.begin()

    def __exit__(self, kind, error, trace):
        self.settle(error)
        return False

    async def __aenter__(self):
        return await asyncio.to_thread(self.begin)

    async def __aexit__(self, kind, error, trace):
        await asyncio.to_thread(self.settle, error)
        return False


def _bare(call):
    """A call without the quantities that were asked for."""
    counted = ("requests", "searches", "images", "pages", "characters", "seconds", "measured")
    return {k: v for k, v in call.items() if not k.endswith("_tokens") and k not in counted}


class MeteredTransport:
    """A transport of httpx that meters what OpenAI's client sends, and clients like it:

        openai.OpenAI(http_client=httpx.Client(transport=MeteredTransport(httpx.HTTPTransport(), user="ann")))

    `user` is a name, or is called with the request. What a limit refuses is answered with 429 in OpenAI's form, so that the
    client raises its RateLimitError and does not try again. A stream is settled when it has ended or is closed. `inner`
    is any object with handle_request; this module needs no httpx itself but to make that answer.
    """

    def __init__(self, inner, user, client=None, provider="openai", response=None, assumed_output=1024):
        self.inner, self.user, self.client = inner, user, client or Client()
        self.provider, self.response, self.assumed_output = provider, response, assumed_output

    def handle_request(self, request):
        """Sends a request, reserved before and settled after."""
        asked = _asked(request)
        if asked is None:
            return self.inner.handle_request(request)  # it asks for nothing that is charged
        user = self.user(request) if callable(self.user) else self.user
        most = asked.get("max_completion_tokens") or asked.get("max_output_tokens") or asked.get("max_tokens")
        output = 0 if asked.get("input") and "messages" not in asked and not most else most or self.assumed_output
        call = Metered(self.client, {"user_id": user, "provider": self.provider, "model": asked.get("model") or "",
                                     "input_tokens": max(1, len(request.content) // 4), "output_tokens": output})
        try:
            call.begin()
        except ApiError as error:
            return self._refusal(error)
        request.headers["accept-encoding"] = "identity"  # what is read here is not unpacked
        try:
            answer = self.inner.handle_request(request)
        except BaseException as error:
            call.settle(error)
            raise
        answer.stream = _Settling(answer.stream, call, answer.status_code)
        return answer

    def _refusal(self, error):
        make = self.response
        if make is None:
            import httpx
            make = httpx.Response
        status = error.status or 503
        code = "insufficient_quota" if error.refused else error.code or "unavailable"
        body = {"error": {"message": str(error), "type": code, "code": code, "param": None}}
        return make(status, headers={"content-type": "application/json", "x-should-retry": "false"},
                    content=json.dumps(body).encode())

    def close(self):
        """Closes the transport beneath."""
        self.inner.close()

    def __enter__(self):
        self.inner.__enter__()
        return self

    def __exit__(self, *raised):
        return self.inner.__exit__(*raised)


def _asked(request):
    """The body of a request that is charged, None for another."""
    if request.method != "POST":
        return None
    try:
        body = json.loads(request.read())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


class _Settling:
    """The body of an answer, whose call is settled at its end: by the usage that it says last."""

    def __init__(self, inner, call, status):
        self.inner, self.call, self.status = inner, call, status
        self.text, self.settled = bytearray(), False

    def __iter__(self):
        try:
            for piece in self.inner:
                self.text += piece
                yield piece
        except GeneratorExit:
            raise
        except BaseException as error:
            self._settle(error)
            raise
        self._settle()

    def close(self):
        """Closes the body, and settles what was read of it."""
        try:
            if hasattr(self.inner, "close"):
                self.inner.close()
        finally:
            self._settle()

    def _settle(self, error=None):
        if self.settled:
            return
        self.settled = True
        if self.status >= 400:
            self.call.used(status_code=self.status, error_message=bytes(self.text[:500]).decode("utf-8", "replace"))
        else:
            usage = _said(bytes(self.text))
            if usage.get("measured"):
                usage["input_tokens"] = self.call.call["input_tokens"]
            if usage:
                self.call.used(**usage)
        self.call.settle(error)


def _said(text):
    """What an answer in OpenAI's form says that it has used; a stream the last time. Where one says nothing, its output
    is estimated by its text."""
    lines = [line[5:] for line in text.splitlines() if line.startswith(b"data:")]
    usage, words = {}, 0
    for line in lines or [text]:
        try:
            one = json.loads(line)
        except ValueError:
            continue
        if not isinstance(one, dict):
            continue
        words += sum(len(str((c.get("delta") or c.get("message") or {}).get("content") or "").encode())
                     for c in one.get("choices") or [])
        said = (one.get("response") or one).get("usage")
        if isinstance(said, dict):
            usage = _usage(said)
    if usage or not words:
        return usage
    return {"output_tokens": max(1, words // 4), "measured": "estimated"}


def _usage(said):
    """OpenAI's names of chats, responses and embeddings, as ours."""
    read = said.get("prompt_tokens_details") or said.get("input_tokens_details") or {}
    thought = said.get("completion_tokens_details") or said.get("output_tokens_details") or {}
    usage = {"input_tokens": said.get("prompt_tokens", said.get("input_tokens")),
             "output_tokens": said.get("completion_tokens", said.get("output_tokens")),
             "cached_input_tokens": read.get("cached_tokens"), "reasoning_tokens": thought.get("reasoning_tokens")}
    return {name: n for name, n in usage.items() if n is not None}


# The names that ALwrity's services use.

_client = None
_holds = contextvars.ContextVar("alwrity_sub_holds", default={})


def configure(url=None, token=None, timeout=30.0):
    """Says which server the names below ask, instead of the environment."""
    global _client
    _client = Client(url, token, timeout)


def _ours():
    if _client is None:
        configure()
    return _client


def _provider(provider, actual=None):
    """Our name of a provider: theirs is a text or an enum, in which mistral stands for Hugging Face, unless the name of
    the actual provider says that it is Mistral's own API."""
    name = str(getattr(provider, "value", provider)).lower()
    actual = (actual or "").lower()
    if name in ("fal", "fal-ai"):
        return "video"
    return "huggingface" if name in ("mistral", "hf") and actual != "mistral" else name


def _call(user_id, provider, tokens=0, actual=None, model=None):
    call = {"user_id": str(user_id), "provider": _provider(provider, actual), "input_tokens": max(int(tokens or 0), 0)}
    if model:
        call["model"] = model
    return call


def _triple(error):
    """What their checks return for a call that is not let through."""
    if not error.refused:
        if os.environ.get("USAGE_LIMITS_EMERGENCY_FAIL_OPEN", "").lower() == "true" and error.status in (0, 503):
            return True, "limits can't be read, and calls are let through all the same", {}
        return False, str(error), {"error_type": error.code or "unavailable"}
    return False, error.decision["message"], _usage_info(error.decision)


def _usage_info(decision):
    """The figures of the limit that refuses, else of the first."""
    info = {"provider": decision["provider"], "plan": decision["plan"]}
    limits = [one for one in decision["limits"] if not one["ok"]] or decision["limits"]
    for one in limits[:1]:
        used, most = one.get("used"), one.get("max")  # not there where costs are not told
        number = (lambda v: None if v is None else float(v)) if one["meter"] == "cost" else (lambda v: v)
        kind = "tokens" if one["meter"] == "tokens" else "calls"
        info.update({"limit_name": one["name"], "current_" + kind: number(used), "limit": number(most),
                     "requested_" + kind: number(one.get("requested")), "usage_percentage": one["percent"]})
    if not decision["allowed"]:
        meter = limits[0]["meter"] if limits else "calls"
        info["error_type"] = "token_limit" if meter == "tokens" else "call_limit"
        info["reason"] = decision["reason"]
    return info


def _take(call):
    """Takes a hold in place of the one that this task has for the same user and provider. It returns a triple, and the
    hold's id, "" for none."""
    client, key = _ours(), (call["user_id"], call["provider"])
    before = _holds.get().get(key)
    if before:
        _give_back(before)
    hold_id = str(uuid.uuid4())
    try:
        decision = client.reserve(call, hold_id)
    except ApiError as error:
        return _triple(error), key, ""
    return (True, decision["message"], _usage_info(decision)), key, hold_id


def _give_back(hold_id):
    try:
        _ours().release(hold_id)
    except ApiError:
        pass  # it is settled, or ends by itself


def _remember(key, hold_id):
    holds = dict(_holds.get())
    holds.pop(key, None)
    if hold_id:
        holds[key] = hold_id
    _holds.set(holds)


def _period(start):
    return start[:7]


def _record(event, hold_id, client=None):
    client = client or _ours()
    if not hold_id:
        return client.record(event)
    try:
        return client.settle(hold_id, event)
    except ApiError as error:
        if error.status == 404:
            return client.record(dict(event, id=hold_id))  # of another server, or a database that was set up anew
        raise


def _event(user_id, provider, endpoint, method, model_used, tokens_input, tokens_output, response_time, status_code,
           error_message, retry_count, actual, counts):
    event = _call(user_id, provider, tokens_input, actual, model_used)
    event.update({"output_tokens": max(int(tokens_output or 0), 0), "endpoint": endpoint or "", "method": method or "",
                  "status_code": int(status_code or 200), "retry_count": max(int(retry_count or 0), 0),
                  "response_time_ms": max(round((response_time or 0) * 1000), 0)})
    if error_message:
        event["error_message"] = str(error_message)
    for name, count in counts.items():
        if count:
            event[name] = int(count)
    return event


def _tracked(answer, tokens):
    return {"success": True, "cost": float(answer.get("cost") or 0), "tokens": tokens, "id": answer["id"],
            "billing_period": _period(answer["period"]["start"])}


def _track(event, hold_id):
    try:
        return _tracked(_record(event, hold_id), event["input_tokens"] + event["output_tokens"])
    except (ApiError, KeyError, TypeError, ValueError) as error:
        return {"success": False, "error": str(error)}


class UsageTrackingService:
    """Their service of the same name."""

    def __init__(self, db=None):
        self.db = db

    async def enforce_usage_limits(self, user_id, provider, tokens_requested=0, actual_provider_name=None):
        """Takes a hold for a call: (whether it passes, a message, figures)."""
        call = _call(user_id, provider, tokens_requested, actual_provider_name)
        triple, key, hold_id = await asyncio.to_thread(_take, call)
        _remember(key, hold_id)  # in the caller's task, and not in the thread
        return triple

    async def track_api_usage(self, user_id, provider, endpoint="", method="", model_used=None, tokens_input=0,
                              tokens_output=0, response_time=0.0, status_code=200, request_size=None,
                              response_size=None, user_agent=None, ip_address=None, error_message=None, retry_count=0,
                              search_count=0, image_count=0, page_count=0, actual_provider_name=None, **_ignored):
        """Records a call, by the hold that was taken for it. It never raises."""
        try:
            event = _event(user_id, provider, endpoint, method, model_used, tokens_input, tokens_output, response_time,
                           status_code, error_message, retry_count, actual_provider_name,
                           {"searches": search_count, "images": image_count, "pages": page_count})
        except (TypeError, ValueError) as error:
            return {"success": False, "error": str(error)}
        key = (event["user_id"], event["provider"])
        hold_id = _holds.get().get(key)
        _remember(key, "")
        return await asyncio.to_thread(_track, event, hold_id)


class PricingService:
    """Their service of the same name."""

    def __init__(self, db=None):
        self.db = db

    def check_usage_limits(self, user_id, provider, tokens_requested=0, actual_provider_name=None):
        """Takes a hold for a call: (whether it passes, a message, figures)."""
        triple, key, hold_id = _take(_call(user_id, provider, tokens_requested, actual_provider_name))
        _remember(key, hold_id)
        return triple

    def check_comprehensive_limits(self, user_id, operations):
        """Says whether operations would pass, all of them together, and takes nothing in the end."""
        holds = []
        try:
            for index, one in enumerate(operations):
                call = _call(user_id, one["provider"], one.get("tokens_requested", 0), one.get("actual_provider_name"),
                             one.get("model"))
                try:
                    holds.append(_ours().reserve(call, ttl=30)["reservation"]["id"])
                except ApiError as error:
                    passes, message, info = _triple(error)
                    if passes:
                        continue
                    info = dict(info, operation_index=index, operation_type=one.get("operation_type", ""))
                    return False, message, {"error_type": info.get("error_type", "call_limit"), "usage_info": info}
            return True, None, None
        finally:
            for hold_id in holds:
                _give_back(hold_id)

    def calculate_api_cost(self, provider, model_name, tokens_input=0, tokens_output=0, request_count=1,
                           search_count=0, image_count=0, page_count=0, **_ignored):
        """What a call costs, in dollars rounded to six decimals, as theirs does. Client.quote is exact."""
        quoted = _ours().quote(_provider(provider), model_name or "", requests=request_count, input_tokens=tokens_input,
                               output_tokens=tokens_output, searches=search_count, images=image_count, pages=page_count)
        parts = {one["quantity"]: Decimal(one["cost"]) for one in quoted["components"]}
        cost_input = sum((c for q, c in parts.items() if "input" in q or "cache_write" in q), Decimal(0))
        cost_output = sum((c for q, c in parts.items() if "output" in q or q == "reasoning_tokens"), Decimal(0))
        return {"cost_input": round(float(cost_input), 6), "cost_output": round(float(cost_output), 6),
                "cost_total": round(float(Decimal(quoted["cost"])), 6)}

    def get_user_limits(self, user_id):
        """The user's plan and limits; None for one who was never seen."""
        try:
            return _ours().limits(user_id)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def get_current_billing_period(self, user_id):
        """The month in which the user's running period began, as 2026-11."""
        limits = self.get_user_limits(user_id)
        return _period(limits["period"]["start"]) if limits else datetime.now(timezone.utc).strftime("%Y-%m")

    def get_pricing_for_provider_model(self, provider, model_name):
        """The price in force in their words, None where there is none."""
        for price in _ours().prices(_provider(provider), model_name):
            costs = {theirs: float(price.get(name) or 0) for theirs, name in (
                ("cost_per_input_token", "input_token_cost"), ("cost_per_output_token", "output_token_cost"),
                ("cost_per_request", "request_cost"), ("cost_per_search", "search_cost"),
                ("cost_per_image", "image_cost"), ("cost_per_page", "page_cost"))}
            return dict(costs, provider=price["provider"], model_name=price["model"])
        return None

    @staticmethod
    def clear_user_cache(user_id):
        """There is nothing to clear: no decision is made from a cache."""


def _agent_provider(model):
    """Who serves a model, as they tell it by its name: of open models, written vendor/model, those with a suffix such as
    :cerebras are Hugging Face's, and other GPTs WaveSpeed's."""
    if "gemini" in model:
        return "gemini"
    if "claude" in model or "anthropic" in model:
        return "anthropic"
    if "/" in model or "mistral" in model or "mixtral" in model:
        return "wavespeed" if "gpt" in model and ":" not in model and "huggingface" not in model else "huggingface"
    return "openai" if any(mark in model for mark in ("gpt", "o1", "o3", "o4")) else "gemini"


def track_agent_usage_sync(user_id, model_name, prompt="", response_text="", duration=0.0, **_ignored):
    """Records an agent's call by the words on both sides, as theirs does. It never raises."""
    provider = _agent_provider((model_name or "").lower())
    words = [round(len(str(text or "").split()) * 1.3) for text in (prompt, response_text)]
    key = (str(user_id), provider)
    hold_id = _holds.get().get(key)
    _remember(key, "")
    _track(_event(user_id, provider, "agent", "POST", model_name, words[0], words[1], duration, 200, None, 0, None, {}),
           hold_id)


class LimitExceeded(Exception):
    """A call that limits refuse, in the form of their HTTPException: status_code, and detail."""

    def __init__(self, status_code, detail):
        super().__init__(detail["message"])
        self.status_code, self.detail = status_code, detail


def validate_operations(pricing_service, user_id, operations):
    """Raises where operations would not pass: fastapi's HTTPException where that is installed, else LimitExceeded."""
    passes, message, info = pricing_service.check_comprehensive_limits(user_id, operations)
    if passes:
        return
    usage_info = (info or {}).get("usage_info", {})
    detail = {"error": "Usage limit exceeded", "message": message, "provider": usage_info.get("provider", ""),
              "usage_info": usage_info}
    try:
        from fastapi import HTTPException
    except ImportError:
        raise LimitExceeded(429, detail) from None
    raise HTTPException(status_code=429, detail=detail)


# Which calls their workflows make: what their checks of the same names ask for.

def _operations(provider, kind, count=1, tokens=0):
    return [{"provider": provider, "tokens_requested": tokens, "operation_type": kind}] * count


def _analyses(gpt_provider):
    provider = "huggingface" if str(gpt_provider).lower() == "huggingface" else "gemini"
    return [one for kind in ("keyword_analysis", "competitor_analysis", "content_angle_generation")
            for one in _operations(provider, kind, tokens=1000)]


def validate_research_operations(pricing_service, user_id, gpt_provider="google"):
    validate_operations(pricing_service, user_id,
                        _operations("gemini", "google_grounding", tokens=1200) + _analyses(gpt_provider))


def validate_exa_research_operations(pricing_service, user_id, gpt_provider="google"):
    validate_operations(pricing_service, user_id, _operations("exa", "exa_neural_search") + _analyses(gpt_provider))


def validate_image_generation_operations(pricing_service, user_id, num_images=1):
    validate_operations(pricing_service, user_id, _operations("stability", "image_generation", num_images))


def validate_image_control_operations(pricing_service, user_id, num_images=1):
    validate_operations(pricing_service, user_id, _operations("stability", "image_generation", num_images))


def validate_image_upscale_operations(pricing_service, user_id, num_images=1):
    validate_operations(pricing_service, user_id, _operations("stability", "image_upscale", num_images))


def validate_image_editing_operations(pricing_service, user_id):
    validate_operations(pricing_service, user_id, _operations("image_edit", "image_editing"))


def validate_video_generation_operations(pricing_service, user_id):
    validate_operations(pricing_service, user_id, _operations("video", "video_generation"))


def validate_scene_animation_operation(pricing_service, user_id):
    validate_operations(pricing_service, user_id, _operations("video", "scene_animation"))
