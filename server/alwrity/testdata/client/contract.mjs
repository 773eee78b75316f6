// Asks a running server what ALwrity's web client asks, for each user, and takes the answers as that client does: what it
// fills in where something is missing, the schemas that it validates, and what it computes without looking. A fault here
// is a page that shows an error there. stdin: {"url", "users": [{"name", "token"}]}; stdout: {"checked", "faults"}.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const { z } = createRequire(join(process.argv[2], "package.json"))("zod");
const { url, users } = JSON.parse(readFileSync(0, "utf8"));

// ---- what it validates

const amount = z.number().finite();
const count = z.number().int().nonnegative();
const moment = z.string().refine((t) => t.endsWith("Z") && !Number.isNaN(Date.parse(t)), "no moment that ends in Z");
const maybe = (kind) => kind.nullable();
const tier = z.enum(["free", "basic", "pro", "enterprise"]);

const needed = ["gemini_calls", "openai_calls", "anthropic_calls", "mistral_calls", "tavily_calls", "serper_calls",
  "metaphor_calls", "firecrawl_calls", "stability_calls", "gemini_tokens", "openai_tokens", "anthropic_tokens",
  "mistral_tokens", "monthly_cost"];
const optional = ["ai_text_generation_calls", "exa_calls", "video_calls", "image_edit_calls", "audio_calls",
  "wavespeed_calls"];
const limitNumbers = z.object({
  ...Object.fromEntries(needed.map((key) => [key, amount])),
  ...Object.fromEntries(optional.map((key) => [key, amount.default(0)])),
});
const explainedLimits = limitNumbers.extend({
  _zero_means: z.record(z.enum(["disabled", "unlimited", "limited"])),
  ...Object.fromEntries(optional.map((key) => [key, amount])),
});
const subscriptionLimits = z.object({ plan_name: z.string(), tier, features: z.array(z.string()), limits: limitNumbers });

const usageAlert = z.object({
  id: z.number(), type: z.string(), threshold_percentage: z.number(), provider: z.string().optional(),
  title: z.string(), message: z.string(), severity: z.enum(["info", "warning", "error"]), is_sent: z.boolean(),
  sent_at: z.string().optional(), is_read: z.boolean(), read_at: z.string().optional(), billing_period: z.string(),
  created_at: moment,
});
const usageStats = z.object({
  billing_period: z.string(), usage_status: z.enum(["active", "warning", "limit_reached"]),
  total_calls: amount, total_tokens: amount, total_cost: amount, avg_response_time: amount, error_rate: amount,
  limits: subscriptionLimits,
  provider_breakdown: z.record(z.object({ calls: amount, tokens: amount, cost: amount })),
  alerts: z.array(usageAlert),
  usage_percentages: z.object({ gemini_calls: amount, huggingface_calls: amount, cost: amount }),
  last_updated: moment,
});
const series = { calls: z.array(amount), cost: z.array(amount), tokens: z.array(amount) };
const trends = z.object({
  periods: z.array(z.string().regex(/^\d{4}-\d{2}$/)), total_calls: z.array(amount), total_cost: z.array(amount),
  total_tokens: z.array(amount), provider_trends: z.record(z.object(series)),
}).refine((t) => [t.total_calls, t.total_cost, t.total_tokens, ...Object.values(t.provider_trends).flatMap(Object.values)]
  .every((list) => list.length === t.periods.length), "a list is not as long as the periods")
  .refine((t) => new Set(t.periods).size === t.periods.length && [...t.periods].sort().join() === t.periods.join(),
    "a month is there twice, or out of order");
const dashboard = z.object({
  total_usage: usageStats, current_period_usage: usageStats, current_usage: usageStats, trends,
  limits: subscriptionLimits, alerts: z.array(usageAlert).max(5),
  projections: z.object({ projected_monthly_cost: amount, cost_limit: amount, projected_usage_percentage: amount }),
  summary: z.object({ total_api_calls_this_month: amount, total_cost_this_month: amount, usage_status: z.string(),
    unread_alerts: count }),
});

// ---- what it fills in before

const numberOr0 = (x) => Number(x) || 0;
const filledAlert = (a, i) => ({
  ...a, id: a.id ?? i, severity: ["info", "warning", "error"].includes(a.severity) ? a.severity : "info",
  is_sent: a.is_sent ?? true, is_read: a.is_read ?? false, billing_period: a.billing_period ?? a.period ?? "",
  created_at: a.created_at ?? new Date().toISOString(),
});
function filledUsage(raw) {
  const given = raw.provider_breakdown ?? {};
  const named = { ...given, gemini: given.gemini, huggingface: given.huggingface ?? given.mistral,
    wavespeed: given.wavespeed };
  const breakdown = Object.fromEntries(Object.entries(named).map(([name, p]) => [name,
    { calls: numberOr0(p?.calls), tokens: numberOr0(p?.tokens), cost: numberOr0(p?.cost) }]));
  const sum = (field) => Object.values(breakdown).reduce((total, p) => total + p[field], 0);
  const shares = raw.usage_percentages ?? {};
  const limits = { ...raw.limits, limits: Object.fromEntries([...needed, ...optional]
    .map((key) => [key, raw.limits?.limits?.[key] ?? 0])) };
  return {
    ...raw, provider_breakdown: breakdown, limits, usage_status: raw.usage_status ?? "active",
    total_calls: raw.total_calls || sum("calls"), total_tokens: raw.total_tokens || sum("tokens"),
    total_cost: Math.max(typeof raw.total_cost === "number" ? raw.total_cost : 0, sum("cost")),
    avg_response_time: raw.avg_response_time ?? 0, error_rate: raw.error_rate ?? 0,
    alerts: (raw.alerts ?? []).map(filledAlert), last_updated: raw.last_updated ?? new Date().toISOString(),
    usage_percentages: { gemini_calls: shares.gemini_calls ?? breakdown.gemini.calls, cost: shares.cost ?? 0,
      huggingface_calls: shares.mistral_calls ?? shares.huggingface_calls ?? breakdown.huggingface.calls },
  };
}
const filledDashboard = (raw) => ({
  ...raw, total_usage: filledUsage(raw.total_usage ?? raw), current_period_usage: filledUsage(raw.current_period_usage),
  current_usage: filledUsage(raw.current_usage ?? raw), // which is all that an older client reads
  alerts: (raw.alerts ?? []).map(filledAlert),
  trends: raw.trends ?? { periods: [], total_calls: [], total_cost: [], total_tokens: [], provider_trends: {} },
});

// ---- what it reads without looking

const status = z.object({ active: z.boolean(), plan: z.union([tier, z.literal("none")]), tier: z.string(),
  can_use_api: z.boolean(), reason: z.string().optional(), limits: explainedLimits });
const plans = z.object({ total: count, plans: z.array(z.object({
  id: z.unknown().transform(Number).pipe(z.number().int()), name: z.string(), tier, price_monthly: amount,
  price_yearly: amount, description: z.string(), features: z.array(z.string()), limits: explainedLimits })).min(1) });
const pricing = z.object({ total: count, pricing: z.array(z.object({
  provider: z.string(), model_name: z.string(), cost_per_input_token: amount, cost_per_output_token: amount,
  cost_per_request: amount, cost_per_search: amount, cost_per_image: amount, cost_per_page: amount,
  description: z.string(), effective_date: moment })).min(1) });
const subscription = z.object({
  subscription: maybe(z.object({ id: count, billing_cycle: z.enum(["monthly", "yearly"]), current_period_start: moment,
    current_period_end: moment, auto_renew: z.boolean(), created_at: moment,
    status: z.enum(["active", "warning", "limit_reached", "suspended", "cancelled", "past_due"]) })),
  plan: z.object({ id: count, name: z.string(), tier, price_monthly: amount, description: z.string(),
    is_free: z.boolean() }),
  limits: explainedLimits,
});
const alerts = z.object({ total: count, unread_count: count, alerts: z.array(z.unknown())
  .transform((list) => list.map(filledAlert)).pipe(z.array(usageAlert)) });
const logs = z.object({ total_count: count, limit: count, offset: count, has_more: z.boolean(), logs: z.array(z.object({
  id: count, timestamp: moment, provider: z.string(), actual_provider_name: z.string().nullish(),
  model_used: maybe(z.string()), endpoint: z.string(), method: z.string(), tokens_input: amount, tokens_output: amount,
  tokens_total: amount, cost_input: amount, cost_output: amount, cost_total: amount, response_time: amount,
  status_code: z.number().int(), status: z.enum(["success", "failed"]), error_message: maybe(z.string()),
  billing_period: z.string().regex(/^\d{4}-\d{2}$/), retry_count: count, is_aggregated: z.boolean().optional() })) });
const renewals = z.object({ total_count: count, limit: count, offset: count, has_more: z.boolean(),
  renewals: z.array(z.object({
    id: count, plan_name: z.string(), plan_tier: tier, previous_period_start: maybe(moment),
    previous_period_end: maybe(moment), new_period_start: moment, new_period_end: moment,
    billing_cycle: z.enum(["monthly", "yearly"]), renewal_type: z.enum(["new", "renewal", "upgrade", "downgrade"]),
    renewal_count: count, previous_plan_name: maybe(z.string()), previous_plan_tier: maybe(tier),
    usage_before_renewal: maybe(z.object({ total_calls: amount, total_tokens: amount, total_cost: amount,
      gemini_calls: amount, mistral_calls: amount, usage_status: z.string() })),
    payment_amount: amount, payment_status: z.enum(["pending", "paid", "failed"]), payment_date: maybe(moment),
    created_at: moment })) });
const retention = z.object({ total_records: count, recent_records: count, records_to_compress: count,
  records_to_summarize: count, records_to_archive: count, retention_policy: z.object({ compress_after_days: count,
    summarize_after_days: count, archive_after_days: count }) });
// The client writes the three numbers of a limit, and divides by it.
const shownLimit = (current) => z.object({ [current]: amount, limit: amount.positive(), remaining: amount });
const preflight = z.object({ can_proceed: z.boolean(), estimated_cost: amount, total_cost: amount, cached: z.boolean(),
  usage_summary: maybe(shownLimit("current_calls")), operations: z.array(z.object({ provider: z.string(),
    operation_type: z.string(), cost: amount, allowed: z.boolean(), message: z.string().min(1),
    limit_info: maybe(shownLimit("current_usage")) })).min(1) });
const healthy = z.enum(["healthy", "warning", "critical"]);
const health = z.object({ status: z.literal("success"), data: z.object({
  system_health: healthy, icon: z.string(), timestamp: moment,
  api_performance: z.object({ recent_requests: count, recent_errors: count, error_rate: amount }) }) });
const monitored = (data) => z.object({ status: z.literal("success"), success: z.literal(true), data });
const hits = { hits: count, misses: count, hit_rate: amount };
const lightweight = monitored(z.object({ status: healthy, icon: z.string(), recent_requests: count, recent_errors: count,
  error_rate: amount, timestamp: moment }));
const statistics = monitored(z.object({ timestamp: moment, cache_performance: z.object(hits),
  overview: z.object({ total_requests: count, total_errors: count, recent_requests: count, recent_errors: count }),
  top_endpoints: z.array(z.unknown()), recent_errors: z.array(z.unknown()),
  system_health: z.object({ status: healthy, error_rate: amount }) }));
const cache = monitored(z.object({ ...hits, total_requests: count }));

// ---- the questions

const same = (x) => x;
const enveloped = (schema, fill = same) => ({ schema, read: (body) => {
  if (body.success !== true) throw new Error(`success is ${body.success}: ${body.error}`);
  return fill(body.data);
} });
const bare = (schema) => ({ schema, read: same });
const api = "/api/subscription";
const planned = JSON.stringify({ operations: [
  { provider: "gemini", operation_type: "text_generation", tokens_requested: 1000, model: "gemini-2.5-flash" },
  { provider: "stability", operation_type: "image_generation", actual_provider_name: "wavespeed" },
  { provider: "mistral", operation_type: "text_generation", tokens_requested: 500, actual_provider_name: "huggingface" },
  { provider: "fal-ai", operation_type: "video_generation" }, { provider: "nobody", operation_type: "x" }] });
const questions = (user) => [
  [`${api}/dashboard/${user}`, enveloped(dashboard, filledDashboard)],
  [`${api}/dashboard/${user}?billing_period=2026-10`, enveloped(dashboard, filledDashboard)],
  [`${api}/usage/${user}`, enveloped(usageStats, filledUsage)],
  [`${api}/usage/${user}?billing_period=all`, enveloped(usageStats, filledUsage)],
  [`${api}/usage/${user}?billing_period=2026-11`, enveloped(usageStats, filledUsage)],
  [`${api}/usage/${user}/trends`, enveloped(trends)],
  [`${api}/usage/${user}/trends?months=24`, enveloped(trends)],
  [`${api}/usage-logs?limit=1000&offset=0&billing_period=2026-11`, bare(logs)],
  [`${api}/usage-logs?limit=2&offset=1&status_code=400`, bare(logs)],
  [`${api}/usage-logs?limit=50&provider=huggingface&status_code=200`, bare(logs)],
  [`${api}/alerts/${user}?unread_only=true`, enveloped(alerts)],
  [`${api}/alerts/${user}?unread_only=false&limit=100`, enveloped(alerts)],
  [`${api}/plans`, enveloped(plans)], [`${api}/pricing`, enveloped(pricing)],
  [`${api}/pricing?provider=gemini`, enveloped(pricing)],
  [`${api}/status/${user}`, enveloped(status)], [`${api}/user/${user}/subscription`, enveloped(subscription)],
  [`${api}/renewal-history/${user}?limit=20&offset=0`, enveloped(renewals)],
  [`${api}/renewal-history/${user}/retention-stats`, enveloped(retention)],
  [`${api}/preflight-check`, enveloped(preflight), planned],
  ["/api/content-planning/monitoring/health", bare(health)],
  ["/api/content-planning/monitoring/lightweight-stats", bare(lightweight)],
  ["/api/content-planning/monitoring/api-stats", bare(statistics)],
  ["/api/content-planning/monitoring/cache-stats", bare(cache)],
];

const faults = [];
let checked = 0;
async function ask(name, token, path, kind, body) {
  checked++;
  try {
    const answer = await fetch(url + path, { method: body ? "POST" : "GET", body,
      headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) } });
    if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
    const result = kind.schema.safeParse(kind.read(await answer.json()));
    if (!result.success) throw new Error(JSON.stringify(result.error.issues.slice(0, 3)));
    return result.data;
  } catch (e) {
    faults.push(`${name} ${path}: ${e.message}`);
  }
}
for (const { name, token } of users) {
  let unread;
  for (const [path, kind, body] of questions(encodeURIComponent(name))) {
    const data = await ask(name, token, path, kind, body);
    if (path.endsWith("unread_only=true")) unread = data;
  }
  for (const { id } of unread?.alerts ?? []) {
    await ask(name, token, `${api}/alerts/${id}/mark-read`, bare(z.object({ success: z.literal(true) })), "{}");
  }
}
console.log(JSON.stringify({ checked, faults }));
