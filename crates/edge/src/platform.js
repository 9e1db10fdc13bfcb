// What the Worker asks of the platform for every callback and delivery, each in one call: crossing
// from Rust to JavaScript costs more than what most of these do. What is decided is decided in Rust.

/** The method and the URL of a request, with a space between them. */
export const head = (request) => `${request.method} ${request.url}`;

/** A request's header; null if it has none of that name. */
export const header = (request, name) => request.headers.get(name);

/** All headers of a request, names and values in turn, each on a line. */
export const headers = (request) => [...request.headers].flat().join("\n");

/** The length that a message's body has, as its sender says; null where that cannot be relied on:
 *  one in chunks may say another, and has none (RFC 9112 §6.3). */
const declared = ({ headers }) => (headers.get("transfer-encoding") === null ? headers.get("content-length") : null);

/** How much of a body that is too long is taken in and forgotten, in bytes: who is cut off in the middle
 *  of sending seldom hears why. */
const PATIENCE = 1 << 20;

/** A request's body; null if it has more bytes than `most`. */
export async function read(request, most) {
  const length = declared(request);
  if (Number(length) > PATIENCE) return null;
  if (length !== null && Number(length) <= most) {
    const body = await request.arrayBuffer();
    return body.byteLength > most ? null : new Uint8Array(body);
  }
  const parts = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.byteLength;
    if (size > PATIENCE) return null;
    if (size <= most) parts.push(part);
  }
  return size > most ? null : new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** An answer; without a type it has no body. */
export const respond = (status, type, body) =>
  new Response(body, type === undefined ? { status } : { status, headers: { "content-type": type } });

/** Resolves after that many milliseconds; 0 yields to what is already queued in this turn. */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A handle to one object; making one costs no call. */
function object(env, binding, name) {
  const objects = env[binding];
  if (objects === undefined) throw new Error(`the binding ${binding} is missing`);
  return objects.getByName(name);
}

/** Posts a message to an object. Resolves to the answer's status and text, with a space between. */
export async function ask(env, binding, name, message) {
  const answer = await object(env, binding, name).fetch("https://object/", { method: "POST", body: message });
  return `${answer.status} ${await answer.text()}`;
}

/** Hands a caller's request on to an object as it is. */
export const forward = async (env, binding, name, url, request) => object(env, binding, name).fetch(url, request);

/** An answer with a stream of server-sent events, and what writes to it. A page of any origin may listen:
 *  what lets it in is its ticket, not a cookie. */
export function eventStream() {
  const { readable, writable } = new IdentityTransformStream();
  const headers = {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
    "access-control-allow-origin": "*",
  };
  return [new Response(readable, { headers }), writable.getWriter()];
}

/** Hands an event to its channel. */
export const take = async (env, binding, name, tenant, channel, version, windows, head, body) =>
  // The bytes are Rust's, and only lent.
  object(env, binding, name).take(tenant, channel, version, windows, head, body.slice());

/** Mails a text by the Worker's send_email binding. */
export async function mail(env, from, to, subject, text) {
  if (env.EMAIL === undefined) throw new Error("the binding EMAIL is missing");
  await env.EMAIL.send({ from, to: to.split(","), subject, text });
}

/** Runs a statement for its effect. */
export function run(sql, query, bindings) {
  sql.exec(query, ...bindings);
}

/** Runs a statement for its rows. */
export const rows = (sql, query, bindings) => [...sql.exec(query, ...bindings).raw()];

/**
 * Sends a POST that follows no redirect. Resolves to the answer's status; where the receiver says
 * when to come again, to the status and that, with a space between them; "refused" instead of that
 * where a success has a body whose field `verdict` is not 0.
 *
 * @param {string} headers names and values in turn, each on a line
 * @param {number} longest how long an answer may be to be read, so that its connection serves again
 */
export async function post(url, headers, body, timeout, longest, verdict) {
  const controller = new AbortController();
  // Not AbortSignal.timeout: it keeps the call in memory until the time is up, answered or not.
  const timer = setTimeout(abort, timeout, controller);
  const lines = headers.split("\n");
  const fields = {};
  for (let at = 0; at + 1 < lines.length; at += 2) fields[lines[at]] = lines[at + 1];
  let answer;
  try {
    // The bytes are Rust's, and only lent.
    const init = { method: "POST", redirect: "manual", headers: fields, body: body.slice(), signal: controller.signal };
    answer = await fetch(url, init);
  } catch (error) {
    clearTimeout(timer);
    throw error;
  }
  if (verdict !== "" && answer.ok) {
    const said = await answer.json().catch(() => null);
    clearTimeout(timer);
    return said?.[verdict] === 0 ? answer.status : `${answer.status} refused`;
  }
  clearTimeout(timer);
  finish(answer, longest, controller);
  const again = answer.headers.get("retry-after");
  return again === null ? answer.status : `${answer.status} ${again}`;
}

/** Sends a GET that follows no redirect. Resolves to the answer's status and text, with a space between;
 *  throws if that is longer than `longest`. */
export async function get(url, headers, timeout, longest) {
  const controller = new AbortController();
  const timer = setTimeout(abort, timeout, controller);
  try {
    const lines = headers.split("\n");
    const fields = {};
    for (let at = 0; at + 1 < lines.length; at += 2) fields[lines[at]] = lines[at + 1];
    const answer = await fetch(url, { redirect: "manual", headers: fields, signal: controller.signal });
    const parts = [];
    let size = 0;
    for await (const part of answer.body ?? []) {
      size += part.byteLength;
      if (size > longest) throw new Error("the answer is too long");
      parts.push(part);
    }
    return `${answer.status} ${await new Blob(parts).text()}`;
  } finally {
    clearTimeout(timer);
  }
}

function abort(controller) {
  controller.abort();
}

/** How long the rest of an answer may take. */
const REST_MS = 1000;

/** Reads a short answer to its end, and lets go of any other: a compressed one is as long as its
 *  receiver pleases. The outcome is known, so what goes wrong from here on changes nothing. */
async function finish(answer, longest, controller) {
  const length = declared(answer);
  if (length === "0" || answer.status === 204) return;
  const timer = setTimeout(abort, REST_MS, controller);
  try {
    const short = length !== null && Number(length) <= longest && !answer.headers.has("content-encoding");
    if (short) await answer.arrayBuffer();
    else await answer.body?.cancel();
  } catch {
    // The connection is lost, and only that.
  }
  clearTimeout(timer);
}
