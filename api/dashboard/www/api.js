// Calls to the hub. Every action is an ordinary call of the protocol, under an idempotency key of its own.

export class Refused extends Error {
  constructor(status, envelope) {
    super(envelope?.error ?? `the hub answered ${status}`);
    this.status = status;
    this.code = envelope?.code ?? null;
  }
}

async function call(method, path, body, options = {}) {
  const request = { method, headers: {}, cache: "no-store", ...options };
  if (body !== undefined) {
    request.body = JSON.stringify(body);
    request.headers["Content-Type"] = "application/json";
  }
  if (method !== "GET") request.headers["Idempotency-Key"] = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const answer = await fetch(path, request);
  const envelope = await answer.json().catch(() => null);
  if (!answer.ok || !envelope?.ok) throw new Refused(answer.status, envelope);
  return { ...envelope, instance: answer.headers.get("X-Arc-Instance"), event: answer.headers.get("X-Arc-Event") };
}

/** A path with its parameters; those that are null are left out. */
export function path(base, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== null && value !== undefined) query.set(name, value);
  const text = query.toString();
  return text ? `${base}?${text}` : base;
}

/** What a read gives. */
export async function read(base, parameters, signal) {
  return (await call("GET", path(base, parameters), undefined, { signal })).result;
}

/** Like `read`, with the whole answer. */
export function readEnvelope(base, parameters, signal) {
  return call("GET", path(base, parameters), undefined, { signal });
}

/**
 * All rows of a list, page by page.
 *
 * @param {function} key the cursor that goes on after a row.
 * @param {number} most rows to read at most.
 */
export async function readAll(base, parameters, key, signal, most = 5000) {
  const rows = [];
  for (let after; ; ) {
    const answer = await call("GET", path(base, { ...parameters, after }), undefined, { signal });
    rows.push(...answer.result);
    if (!answer.more || !answer.result.length || rows.length >= most) return rows;
    after = key(answer.result.at(-1));
  }
}

export const change = (base, body = {}) => call("POST", base, body);
export const remove = (base) => call("DELETE", base);
