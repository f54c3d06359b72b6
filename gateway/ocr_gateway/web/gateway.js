// What the page asks of the gateway, and what it says when that fails.

import { number, t } from "./i18n.js";

const TOKEN_KEY = "ocr-token"; // in sessionStorage: gone when the tab is closed
const RETRY_AFTER_S = 2; // where the gateway does not say it

let about;
let askForToken;

/** A request that got no result: `code` names a sentence of strings.js, the rest fills it in. */
export class Problem extends Error {
  constructor(code, values = {}) {
    super(code);
    this.code = code;
    this.values = values;
  }

  /** One sentence, in the language spoken. */
  sentence() {
    return t(`error.${this.code}`, this.values);
  }

  /** Why a page is missing: the gateway's own words where it has any. */
  reason() {
    return this.values.detail ? `${this.values.detail}.` : this.sentence();
  }
}

/** Learn what the gateway can do. `tokenFrom(wrong)` is called when it wants a token; it gives one, or null. */
export async function connect(tokenFrom) {
  askForToken = tokenFrom;
  const answer = await fetch("about").catch(() => null);
  if (!answer?.ok) throw new Problem("offline");
  about = await answer.json();
  return about;
}

/** Have a file read: its events, one after the other, the last of which is `ended`. */
export async function* read(file, parameters, signal) {
  if (file.size > about.limits.body_bytes) throw tooLarge();
  const wanted = new URLSearchParams({ format: "events", ...parameters });
  const answer = await ask(`read?${wanted}`, { body: file, signal }, file);
  let last;
  try {
    for await (const line of lines(answer.body)) {
      last = JSON.parse(line);
      if (last.event === "broken") throw problemOf(last.status, last.error);
      yield last;
    }
  } catch (error) {
    if (error instanceof Problem || signal.aborted) throw error;
    throw new Problem("lost");
  }
  if (last?.event !== "ended") throw new Problem("lost");
}

/** Have pages that were read written as a file. `source` is the document, for a PDF; else null. */
export async function write(format, name, pages, source) {
  const form = new FormData();
  form.append("pages", new Blob(pages.map((page) => `${page}\n`)), "pages.jsonl");
  if (source) form.append("file", source);
  const answer = await ask(`write?${new URLSearchParams({ format, name })}`, { body: form }, source);
  return answer.blob().catch(() => { throw new Problem("lost"); });
}

async function ask(address, request, file) {
  let token = sessionStorage.getItem(TOKEN_KEY);
  if (about.needs_token && !token) token = await newToken(false);
  for (;;) {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(address, { method: "POST", headers, ...request }).catch((error) => error);
    if (answer instanceof Error) {
      if (request.signal?.aborted) throw answer;
      throw new Problem((await isGone(file)) ? "gone" : "offline");
    }
    if (answer.status === 401) {
      token = await newToken(Boolean(token));
      continue;
    }
    if (answer.ok) return answer;
    const { error = answer.statusText } = await answer.json().catch(() => ({}));
    throw problemOf(answer.status, error, Number(answer.headers.get("Retry-After")));
  }
}

let asking = null; // several requests wait for one answer

async function newToken(wrong) {
  sessionStorage.removeItem(TOKEN_KEY);
  asking ??= askForToken(wrong).finally(() => { asking = null; });
  const token = await asking;
  if (token === null) throw new Problem("token");
  sessionStorage.setItem(TOKEN_KEY, token);
  return token;
}

/** What the gateway says, as a problem: its status, its sentence, and when to try again. */
export function problemOf(status, error, retryAfter) {
  const seconds = retryAfter || RETRY_AFTER_S;
  switch (status) {
    case 413: return tooLarge();
    case 422: return new Problem("refused", { detail: plain(error) });
    case 429: return new Problem("busy", { seconds });
    case 503: return new Problem("unready", { seconds });
    case 408:
    case 504: return new Problem("late", { limit: number(about.limits.timeout_s) });
    default: return new Problem("failed", { detail: plain(error) || status });
  }
}

const tooLarge = () => new Problem("large", { mib: number(about.limits.body_bytes / 2 ** 20) });

/** A sentence without its full stop, to stand within another one. */
const plain = (sentence) => String(sentence).replace(/[.。\s]+$/u, "");

/** Whether a file has been changed or removed since it was chosen; then nothing can be sent of it. */
const isGone = (file) => (file ? file.slice(0, 1).arrayBuffer().then(() => false, () => true) : false);

/** The lines of a stream of bytes; a long one comes in many pieces, which are joined once. */
async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let parts = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const pieces = value.split("\n");
      parts.push(pieces[0]);
      for (const piece of pieces.slice(1)) {
        yield parts.join("");
        parts = [piece];
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  if (parts.join("")) throw new Problem("lost");
}
