// Calls a vendor's API with the vendor's own client, as each line of stdin says: {"call", "url", "key"}. A line of
// stdout says what the client made of it: {"value", "error", "requests"}. A stream's value is the list of what it
// yields, up to an error if there is one, or to "leave": so many, and then its reader leaves. requests counts what the
// client has sent.
import diagnostics from "node:diagnostics_channel";
import { createInterface } from "node:readline";

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { Mistral } from "@mistralai/mistralai";
import { tavily } from "@tavily/core";
import Exa from "exa-js";
import OpenAI, { toFile } from "openai";

const text = "hello there";
const messages = [{ role: "user", content: text }];
const chat = { model: "gpt-4o", messages, max_tokens: 50 };
const response = { model: "gpt-4o", input: text, max_output_tokens: 50 };
const claude = { model: "claude-3-5-sonnet-20241022", messages, max_tokens: 50 };
const gemini = { model: "gemini-2.5-flash", contents: text, config: { maxOutputTokens: 50 } };
const mistral = { model: "mistral-small-latest", messages, maxTokens: 50 };

const openAI = (baseURL, apiKey) => new OpenAI({ baseURL, apiKey });
const anthropic = (baseURL, apiKey) => new Anthropic({ baseURL, apiKey });
const google = (baseUrl, apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });
const mistralAI = (serverURL, apiKey) => new Mistral({ serverURL, apiKey });

async function ids(models) {
  const all = [];
  for await (const model of models) all.push(model.id ?? model.name);
  return all;
}

// Each call by its name; url and key are where it goes and as whom.
const calls = {
  "openai chat": (url, key) => openAI(url, key).chat.completions.create(chat),
  "openai chat stream": (url, key) => openAI(url, key).chat.completions.create({ ...chat, stream: true }),
  "openai chat stream with usage": (url, key) =>
    openAI(url, key).chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } }),
  "openai chat once": (url, key) =>
    openAI(url, key).chat.completions.create(chat, { headers: { "Idempotency-Key": "1" } }),
  "openai response": (url, key) => openAI(url, key).responses.create(response),
  "openai response stream": (url, key) => openAI(url, key).responses.create({ ...response, stream: true }),
  "openai embedding": (url, key) =>
    openAI(url, key).embeddings.create({ model: "text-embedding-3-small", input: text, encoding_format: "float" }),
  "openai speech": async (url, key) => {
    const sound = await openAI(url, key).audio.speech.create({ model: "gpt-4o-mini-tts", input: text, voice: "alloy" });
    return Buffer.from(await sound.arrayBuffer()).toString();
  },
  "openai image": (url, key) => openAI(url, key).images.generate({ model: "gpt-image-1", prompt: text, n: 2 }),
  "openai transcription": async (url, key) => {
    const file = await toFile(Buffer.from("RIFF"), "a.wav");
    return openAI(url, key).audio.transcriptions.create({ model: "whisper-1", file });
  },
  "openai files": (url, key) => openAI(url, key).files.list(),
  "openai models": (url, key) => ids(openAI(url, key).models.list()),
  "anthropic message": (url, key) => anthropic(url, key).messages.create(claude),
  "anthropic message stream": (url, key) => anthropic(url, key).messages.create({ ...claude, stream: true }),
  "anthropic final message": (url, key) => anthropic(url, key).messages.stream(claude).finalMessage(),
  "anthropic models": (url, key) => ids(anthropic(url, key).models.list()),
  "anthropic count": (url, key) => anthropic(url, key).messages.countTokens({ model: claude.model, messages }),
  "gemini generate": (url, key) => google(url, key).models.generateContent(gemini),
  "gemini generate stream": (url, key) => google(url, key).models.generateContentStream(gemini),
  "gemini embed": (url, key) => google(url, key).models.embedContent({ model: "gemini-embedding-001", contents: text }),
  "gemini models": async (url, key) => ids(await google(url, key).models.list()),
  "gemini count": (url, key) => google(url, key).models.countTokens({ model: gemini.model, contents: text }),
  "mistral chat": (url, key) => mistralAI(url, key).chat.complete(mistral),
  "mistral chat stream": (url, key) => mistralAI(url, key).chat.stream(mistral),
  "exa search": (url, key) => new Exa(key, url).search(text, { numResults: 2 }),
  "exa contents": (url, key) => new Exa(key, url).getContents(["https://example.com"]),
  "tavily search": (url, key) => tavily({ apiKey: key, apiBaseURL: url }).search(text),
  "tavily extract": (url, key) => tavily({ apiKey: key, apiBaseURL: url }).extract(["https://example.com"]),
};

// What clients send, by built-in fetch or by http.
const sent = {};
const count = (origin) => (sent[origin] = (sent[origin] ?? 0) + 1);
diagnostics.subscribe("undici:request:create", ({ request }) => count(String(request.origin)));
diagnostics.subscribe("http.client.request.start", ({ request }) =>
  count(`${request.protocol}//${request.getHeader("host")}`));

const failed = (e) => ({ class: e.constructor.name, status: e.status ?? e.statusCode ?? 0, code: String(e.code ?? ""),
  type: String(e.type ?? ""), message: String(e.message) });

async function make({ call, url, key, leave }) {
  const origin = new URL(url).origin;
  const before = sent[origin] ?? 0;
  const said = {};
  try {
    const made = await calls[call](url, key);
    if (made?.[Symbol.asyncIterator] && !made.data) {
      said.value = [];
      for await (const piece of made) {
        said.value.push(piece);
        if (said.value.length === leave) break;
      }
    } else {
      said.value = made;
    }
  } catch (e) {
    said.error = failed(e);
  }
  said.requests = (sent[origin] ?? 0) - before;
  return said;
}

// Of Gemini's, the answer's headers are a part of what is returned.
const plain = (name, value) => (name === "sdkHttpResponse" ? undefined : value);

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await make(JSON.parse(line)), plain) + "\n");
}
process.exit();
