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


def _record(event, hold_id):
    client = _ours()
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
    """Who serves a model, as they tell it by its name: of open models, written as vendor/model, those with a suffix such
    as :cerebras are Hugging Face's, and other GPTs WaveSpeed's."""
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
