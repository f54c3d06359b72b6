#!/usr/bin/env node
// Read one picture through the KServe V2 protocol (HTTP), in its binary form: the bytes of the file are sent as they are,
// and texts and scores come back as bytes. Needs Node.js 18.3 or newer, and no package.
// Exit codes: 0 read, 1 refused or not answered, 2 the command itself is wrong.

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";

const USAGE = "usage: infer.mjs [--url HOST:PORT] [--option NAME=VALUE]... [--scores] [--timeout SECONDS] PICTURE";
const HEADER_LENGTH = "Inference-Header-Content-Length"; // bytes of JSON in a body that goes on with tensors

class UsageError extends Error {}

// 0.6 and true are JSON; what is not, such as rows, is a text.
function optionValue(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function command() {
  const string = { type: "string" };
  const flag = { type: "boolean", default: false };
  let given;
  try {
    given = parseArgs({
      allowPositionals: true,
      options: {
        url: { ...string, default: "localhost:8000" },
        option: { ...string, multiple: true, default: [] },
        timeout: { ...string, default: "60" },
        scores: flag,
        help: flag,
      },
    });
  } catch (error) {
    throw new UsageError(`${error.message}; ${USAGE}`);
  }
  const { url, option, timeout, scores, help } = given.values;
  if (help) {
    console.log(USAGE);
    process.exit(0);
  }
  if (given.positionals.length !== 1) throw new UsageError(USAGE);
  if (!(Number(timeout) > 0)) throw new UsageError(`--timeout takes seconds, not '${timeout}'`);
  const options = {};
  for (const pair of option) {
    const equals = pair.indexOf("=");
    if (equals < 1) throw new UsageError(`--option takes NAME=VALUE, not '${pair}'`);
    options[pair.slice(0, equals)] = optionValue(pair.slice(equals + 1));
  }
  return { url, options, scores, timeoutMs: 1000 * Number(timeout), path: given.positionals[0] };
}

// Lengths and numbers of the protocol are little-endian.
function requestFor(picture, parameters) {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(picture.length);
  const binary = { binary_data: true };
  const header = Buffer.from(
    JSON.stringify({
      inputs: [
        { name: "image", shape: [1], datatype: "BYTES", parameters: { binary_data_size: 4 + picture.length } },
      ],
      outputs: [
        { name: "texts", parameters: binary },
        { name: "scores", parameters: binary },
      ],
      parameters,
    }),
  );
  return {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream", [HEADER_LENGTH]: String(header.length) },
    body: Buffer.concat([header, length, picture]),
  };
}

function linesOf(body, jsonSize) {
  const tensors = {};
  let at = jsonSize;
  for (const { name, parameters } of JSON.parse(body.toString("utf8", 0, jsonSize)).outputs) {
    const end = at + parameters.binary_data_size; // the tensors' bytes come in the order of this list
    if (!(at <= end && end <= body.length)) throw new Error("the answer ends too early");
    tensors[name] = body.subarray(at, end);
    at = end;
  }
  const { texts, scores } = tensors;
  const lines = [];
  for (let start = 0; start < texts.length; ) {
    const end = start + 4 + texts.readUInt32LE(start);
    if (end > texts.length) throw new Error("the answer ends too early");
    lines.push({ text: texts.toString("utf8", start + 4, end), score: scores.readFloatLE(4 * lines.length) });
    start = end;
  }
  return lines;
}

async function answerOf(url, request, timeoutMs) {
  const address = `${url.includes("://") ? url : `http://${url}`}/v2/models/ocr/infer`;
  try {
    const response = await fetch(address, { ...request, signal: AbortSignal.timeout(timeoutMs) });
    return { response, body: Buffer.from(await response.arrayBuffer()) };
  } catch (error) {
    const { cause = error } = error;
    throw new Error(`no answer from ${url}: ${cause.message || cause.code}`);
  }
}

function errorText(body) {
  try {
    return JSON.parse(body.toString()).error ?? "without a word";
  } catch {
    return "without a word";
  }
}

async function read({ url, options, scores, timeoutMs, path }) {
  const picture = await readFile(path).catch((error) => {
    throw new UsageError(`cannot read the file '${path}': ${error.message}`);
  });
  const { response, body } = await answerOf(url, requestFor(picture, options), timeoutMs);
  if (!response.ok) throw new Error(`${url} answered with the status ${response.status}: ${errorText(body)}`);
  let lines;
  try {
    lines = linesOf(body, Number(response.headers.get(HEADER_LENGTH) ?? body.length));
  } catch (error) {
    throw new Error(`what ${url} answered is not the text of a page: ${error.message}`);
  }
  for (const { text, score } of lines) console.log(scores ? `${score.toFixed(4)}\t${text}` : text);
}

try {
  await read(command());
} catch (error) {
  console.error(`infer.mjs: ${error.message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
