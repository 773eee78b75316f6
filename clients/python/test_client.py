"""Tests of the client against a server: ALWRITY_SUB_URL and ALWRITY_SUB_TOKEN name it. server/v1 runs them."""

import asyncio
import enum
import unittest

import alwrity_sub_client as sub


class APIProvider(enum.Enum):
    GEMINI = "gemini"
    MISTRAL = "mistral"
    EXA = "exa"


class ServiceTest(unittest.TestCase):
    def test_check_call_track(self):
        async def one_call():
            usage = sub.UsageTrackingService(None)
            passes, message, info = await usage.enforce_usage_limits("ann", APIProvider.GEMINI, 1500)
            self.assertTrue(passes, message)
            held = sub.Client()._ask("GET", "/v1/reservations", {"user": "ann"})
            self.assertEqual(len(held), 1)
            tracked = await usage.track_api_usage(
                "ann", APIProvider.GEMINI, "/generate", "POST", model_used="gemini-2.5-flash", tokens_input=1000,
                tokens_output=100, response_time=1.25, ip_address="::1")
            self.assertEqual(tracked["success"], True, tracked)
            self.assertEqual((tracked["cost"], tracked["tokens"]), (0.00055, 1100))
            self.assertEqual(tracked["billing_period"], "2026-11")
            self.assertEqual(held[0]["id"], tracked["id"])
            self.assertEqual(sub.Client()._ask("GET", "/v1/reservations", {"user": "ann"}), [])
        asyncio.run(one_call())

    def test_checking_again_takes_the_place(self):
        prices = sub.PricingService(None)
        for _ in range(3):
            self.assertTrue(prices.check_usage_limits("bea", "gemini", 10)[0])
        self.assertEqual(len(sub.Client()._ask("GET", "/v1/reservations", {"user": "bea"})), 1)

    def test_parallel_calls_do_not_overshoot(self):
        async def one_call():
            usage = sub.UsageTrackingService(None)
            passes, message, info = await usage.enforce_usage_limits("cy", APIProvider.EXA)
            await asyncio.sleep(0.05)
            if passes:
                await usage.track_api_usage("cy", APIProvider.EXA, search_count=1)
            return passes, info

        async def many():
            return await asyncio.gather(*(one_call() for _ in range(20)))
        results = asyncio.run(many())
        self.assertEqual(sum(passes for passes, _ in results), 10)  # what the free plan has
        refused = next(info for passes, info in results if not passes)
        self.assertEqual((refused["limit"], refused["error_type"]), (10, "call_limit"))
        self.assertEqual(sub.Client().usage("cy")["totals"]["calls"], 10)

    def test_together(self):
        prices = sub.PricingService(None)
        operation = {"provider": APIProvider.EXA, "operation_type": "search"}
        self.assertEqual(prices.check_comprehensive_limits("dan", [operation] * 3), (True, None, None))
        passes, message, info = prices.check_comprehensive_limits("dan", [operation] * 11)
        self.assertFalse(passes)
        self.assertEqual(info["usage_info"]["operation_index"], 10, message)
        self.assertEqual(sub.Client()._ask("GET", "/v1/reservations", {"user": "dan"}), [])
        with self.assertRaises(Exception) as raised:
            sub.validate_operations(prices, "dan", [operation] * 11)
        self.assertEqual(raised.exception.status_code, 429)

    def test_money(self):
        prices = sub.PricingService(None)
        self.assertEqual(prices.calculate_api_cost(APIProvider.GEMINI, "gemini-2.5-flash", 1000, 100),
                         {"cost_input": 0.0003, "cost_output": 0.00025, "cost_total": 0.00055})
        self.assertEqual(prices.get_pricing_for_provider_model("gemini", "gemini-2.5-flash")["cost_per_input_token"],
                         3e-07)
        self.assertIsNone(prices.get_pricing_for_provider_model("gemini", "unheard-of"))

    def test_limits(self):
        prices = sub.PricingService(None)
        self.assertIsNone(prices.get_user_limits("nobody"))
        sub.track_agent_usage_sync("eve", "gemini-2.5-flash", "one two three", "four", 0.5)
        self.assertEqual(prices.get_user_limits("eve")["plan"], "Free")
        self.assertEqual(prices.get_current_billing_period("eve"), "2026-11")
        prices.clear_user_cache("eve")

    def test_hugging_face(self):
        tracked = asyncio.run(sub.UsageTrackingService(None).track_api_usage(
            "eve", APIProvider.MISTRAL, actual_provider_name="huggingface", tokens_input=5))
        self.assertTrue(tracked["success"], tracked)
        # Their tracking does not say it again: what is called mistral there is always Hugging Face.
        model = "openai/gpt-oss-120b:groq"
        tracked = asyncio.run(sub.UsageTrackingService(None).track_api_usage(
            "gus", APIProvider.MISTRAL, "/generate", "POST", model_used=model, tokens_input=1000, tokens_output=100))
        self.assertGreater(tracked["cost"], 0)
        prices = sub.PricingService(None)
        cost = prices.calculate_api_cost(APIProvider.MISTRAL, model, 1000, 100)["cost_total"]
        self.assertEqual(cost, tracked["cost"])
        self.assertEqual(prices.get_pricing_for_provider_model(APIProvider.MISTRAL, model)["provider"], "huggingface")
        self.assertIn("huggingface", prices.check_usage_limits("gus", APIProvider.MISTRAL, 10)[1])
        sub.track_agent_usage_sync("hal", "mistral-small-latest", "one", "two")
        calls = {user: sub.Client().usage(user)["providers"] for user in ("gus", "hal")}
        self.assertEqual({user: [one["provider"] for one in rows] for user, rows in calls.items()},
                         {"gus": ["huggingface"], "hal": ["huggingface"]})

    def test_agents(self):
        for user, model, provider in (
                ("agent-1", "gemini-2.5-flash", "gemini"), ("agent-2", "openai/gpt-oss-120b", "wavespeed"),
                ("agent-3", "openai/gpt-oss-120b:cerebras", "huggingface"), ("agent-4", "gpt-4o-mini", "openai"),
                ("agent-5", "moonshotai/Kimi-K2", "huggingface"), ("agent-6", "claude-3.5-sonnet", "anthropic")):
            sub.track_agent_usage_sync(user, model, "some words " * 100, "an answer " * 100, 0.5)
            usage = sub.Client().usage(user)
            self.assertEqual([one["provider"] for one in usage["providers"]], [provider], model)
            self.assertGreater(float(usage["totals"]["cost"]), 0, model)

    def test_workflows(self):
        prices = sub.PricingService(None)
        for validate in (sub.validate_image_generation_operations, sub.validate_image_upscale_operations,
                         sub.validate_image_control_operations):
            self.assertIsNone(validate(prices, "ida", num_images=2))
            with self.assertRaises(Exception) as raised:
                validate(prices, "ida", num_images=99)
            self.assertEqual(raised.exception.status_code, 429)
            self.assertEqual(raised.exception.detail["provider"], "stability")
        for validate in (sub.validate_research_operations, sub.validate_exa_research_operations):
            self.assertIsNone(validate(prices, "ida", "google"))
            with self.assertRaises(Exception) as raised:
                validate(prices, "ida", gpt_provider="huggingface")  # which the plan does not include
            self.assertEqual(raised.exception.detail["provider"], "huggingface")
        for validate in (sub.validate_image_editing_operations, sub.validate_video_generation_operations,
                         sub.validate_scene_animation_operation):
            self.assertIsNone(validate(prices, "ida"))
        self.assertEqual(sub.Client()._ask("GET", "/v1/reservations", {"user": "ida"}), [])

    def test_nothing_is_recorded_twice(self):
        client, event = sub.Client(), {"id": "once", "user_id": "fay", "provider": "gemini", "input_tokens": 1}
        self.assertEqual([client.record(event)["status"] for _ in range(2)], ["recorded", "duplicate"])
        results = client.record_all([event, {"provider": "gemini"}])
        self.assertEqual([one["status"] for one in results], ["duplicate", "rejected"])

    def test_failures(self):
        tracked = asyncio.run(sub.UsageTrackingService(None).track_api_usage("", "gemini"))
        self.assertFalse(tracked["success"])
        away = sub.Client("http://127.0.0.1:1", "x", 0.5)
        with self.assertRaises(sub.ApiError) as raised:
            away.usage("ann")
        self.assertEqual(raised.exception.status, 0)


class Request:
    """A request as httpx has it."""

    def __init__(self, body, method="POST"):
        self.method, self.content, self.headers = method, body, {}

    def read(self):
        return self.content


class Answer:
    """An answer as httpx has it."""

    def __init__(self, status_code, headers=None, content=b"", pieces=None):
        self.status_code, self.headers = status_code, headers or {}
        self.stream = pieces or [content]


class Vendor:
    """Stands for httpx.HTTPTransport, and OpenAI behind it."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def handle_request(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


CHAT = b'{"model": "gemini-2.5-flash", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}'


class MeteredTest(unittest.TestCase):
    def held(self, user):
        return len(sub.Client()._ask("GET", "/v1/reservations", {"user": user}))

    def logs(self, user):
        return sub.Client()._ask("GET", "/v1/usage/logs", {"user": user})

    def test_reserved_and_settled(self):
        with sub.Client().metered(user_id="mia", provider="gemini", model="gemini-2.5-flash", output_tokens=500) as call:
            self.assertEqual(self.held("mia"), 1)
            call.used(input_tokens=1000, output_tokens=100)
        self.assertEqual((call.event["cost"], self.held("mia")), ("0.00055", 0))

    def test_a_block_that_raises_is_not_charged(self):
        with self.assertRaises(RuntimeError):
            with sub.Client().metered(user_id="moe", provider="gemini", model="gemini-2.5-flash", output_tokens=500):
                raise RuntimeError("the vendor is away")
        row = self.logs("moe")[0]
        self.assertEqual((row["status_code"], row["cost"], row["error_message"]), (500, "0", "the vendor is away"))
        self.assertEqual(self.held("moe"), 0)

    def test_what_is_not_said_is_what_was_reserved(self):
        async def one_call():
            async with sub.Client().metered(user_id="mel", provider="gemini", model="gemini-2.5-flash",
                                            output_tokens=100) as call:
                pass
            return call.event
        self.assertEqual(asyncio.run(one_call())["cost"], "0.00025")
        self.assertEqual(self.logs("mel")[0]["measured"], "estimated")

    def transport(self, user, *answers):
        return sub.MeteredTransport(Vendor(*answers), user=user, provider="gemini", response=Answer)

    def test_what_a_client_sends(self):
        usage = b'"usage": {"prompt_tokens": 1000, "completion_tokens": 100}'
        metered = self.transport("nia", Answer(200, content=b'{"choices": [], ' + usage + b"}"))
        answer = metered.handle_request(Request(CHAT))
        self.assertEqual(self.held("nia"), 1)
        self.assertEqual(b"".join(answer.stream), b'{"choices": [], ' + usage + b"}")
        self.assertEqual((self.logs("nia")[0]["cost"], self.held("nia")), ("0.00055", 0))
        self.assertEqual(metered.inner.asked[0].headers["accept-encoding"], "identity")

    def test_streams(self):
        pieces = [b'data: {"choices": [{"delta": {"content": "12345678"}}]}\n\nda',
                  b'ta: {"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 100}}\n\ndata: [DONE]\n\n']
        answer = self.transport("nat", Answer(200, pieces=pieces)).handle_request(Request(CHAT))
        self.assertEqual(list(answer.stream), pieces)
        self.assertEqual(self.logs("nat")[0]["cost"], "0.00055")
        answer = self.transport("ned", Answer(200, pieces=pieces)).handle_request(Request(CHAT))
        for _ in answer.stream:
            break  # the app leaves
        answer.stream.close()
        row = self.logs("ned")[0]
        self.assertEqual((row["output_tokens"], row["measured"], self.held("ned")), (2, "estimated", 0))

    def test_failures_of_the_vendor(self):
        metered = self.transport("nan", Answer(429, content=b"too fast"), OSError("no line"))
        self.assertEqual(b"".join(metered.handle_request(Request(CHAT)).stream), b"too fast")
        with self.assertRaises(OSError):
            metered.handle_request(Request(CHAT))
        rows = {row["status_code"]: row["cost"] for row in self.logs("nan")}
        self.assertEqual((rows, self.held("nan")), ({429: "0", 500: "0"}, 0))

    def test_what_limits_refuse_is_not_sent(self):
        metered = sub.MeteredTransport(Vendor(), user=lambda request: "nob", provider="openai", response=Answer)
        answer = metered.handle_request(Request(CHAT))
        self.assertEqual((answer.status_code, answer.headers["x-should-retry"]), (429, "false"))
        self.assertIn(b"insufficient_quota", answer.stream[0])
        self.assertEqual(metered.inner.asked, [])


if __name__ == "__main__":
    unittest.main()
