// The world as the page shows it: the rows of every table at one moment, the newest or event N.
//
// It is read once, as of the newest event, and from there every event brings the rows that it changed, whole and in the
// form of the reads. So the page replaces rows by their keys and knows no rule, and the past is the same code without a
// stream. A panel asks `world` when it says that a table changed.

import { read, readAll } from "./api.js";
import { follow } from "./stream.js";
import { learn, now } from "./time.js";

export const NOUNS = ["session", "channel", "thread", "task", "question", "claim", "lock", "place"];

// `key` names a row; `cursor` is what the list goes on after, where that is another name.
const LISTS = {
  session: { path: "/v1/agents", key: (row) => row.agent_id },
  channel: { path: "/v1/channels", key: (row) => row.name },
  thread: { path: "/v1/threads", key: (row) => row.thread_id },
  task: { path: "/v1/tasks", key: (row) => String(row.task_id), only: { status: "open" } },
  question: { path: "/v1/questions", key: (row) => String(row.question_id), only: { state: "open" } },
  claim: { path: "/v1/claims", key: (row) => row.claim_key, only: { active_only: 1 } },
  lock: { path: "/v1/locks", key: (row) => `${row.key}\n${row.agent_id}`, cursor: (row) => (row.mode === "shared" ? `${row.file_path}@${row.agent_id}` : row.file_path), only: { active_only: 1 } },
  place: { path: "/v1/locks/queue", and: "/v1/claims/queue", key: (row) => String(row.place) },
};
// Whether a row still belongs into its table; one that does not is taken out.
const STAYS = {
  session: (row) => row.active !== false,
  claim: (row) => !row.released_at,
  lock: (row) => !row.released_at,
  place: (row) => !row.ended_at,
  question: (row) => row.state === "open",
  task: (row) => row.status === "open" || row.recent,
};
const DONE_KEPT = 50; // tasks that were done while the page looked on
const WORDS_KEPT = 500; // agents whose last words are remembered

async function readList({ path, and, only, key, cursor = key }, shown, signal) {
  const lists = [path, and].filter(Boolean).map((one) => readAll(one, { ...only, as_of: shown }, cursor, signal));
  return (await Promise.all(lists)).flat();
}

class World extends EventTarget {
  tables = Object.fromEntries(NOUNS.map((noun) => [noun, new Map()]));
  words = new Map(); // the last message of each agent
  titles = new Map(); // the first line of each task's message
  at = null; // the event that is shown, null for the newest
  head = 0; // the newest event that is known
  headAt = null;
  troubles = []; // what is wrong with the log or its disk, in words
  state = "loading"; // loading, live, reconnecting, past, failed
  #abort = null;
  #stop = null;

  /** The time that the page shows, in milliseconds: now, or when the shown event was recorded. */
  get time() {
    return this.at === null ? now() : Date.parse(this.momentAt ?? this.headAt ?? Date.now());
  }

  get isLive() {
    return this.at === null;
  }

  /** What a read must be asked to show the moment that the page shows. */
  get moment() {
    return this.at === null ? {} : { as_of: this.at };
  }

  #say(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #become(state, why = null) {
    this.state = state;
    this.#say("state", why);
  }

  /** Take what is wrong with the log or its disk; empty for nothing. */
  trouble(texts) {
    if (texts.join() === this.troubles.join()) return;
    this.troubles = texts;
    this.#say("state");
  }

  /** Show the newest event, and from there on everything that happens. */
  async goLive() {
    await this.#show(null);
  }

  /** Show how things stood right after an event. */
  async goTo(eventId) {
    await this.#show(Math.max(0, eventId));
  }

  async #show(at) {
    this.#abort?.abort();
    const { signal } = (this.#abort = new AbortController());
    this.#stop?.();
    this.#stop = null;
    this.at = at;
    this.#say("moment");
    try {
      const health = await read("/v1/health", {}, signal);
      this.health = health;
      this.head = Math.max(this.head, health.head);
      if (at === null) {
        this.head = health.head;
        this.headAt = health.head_at;
      }
      if (at !== null) at = this.at = Math.min(at, health.head); // which may be further than what was followed
      const shown = at ?? health.head;
      if (at !== null) this.momentAt = at ? (await read(`/v1/log/${at}`, {}, signal)).event.recorded_at : health.head_at;
      const tables = await Promise.all(
        NOUNS.map((noun) => readList(LISTS[noun], shown, signal)),
      );
      NOUNS.forEach((noun, index) => {
        this.tables[noun] = new Map(tables[index].map((row) => [LISTS[noun].key(row), row]));
      });
      await this.#readWords(shown, signal);
      this.#become(at === null ? "live" : "past");
      for (const noun of NOUNS) this.#say(noun);
      this.#say("words");
      this.#say("shown");
      if (at === null) this.#follow(health.head);
    } catch (error) {
      if (signal.aborted) return;
      this.#become("failed", error.message);
      setTimeout(() => signal.aborted || this.#show(at), 2000);
    }
  }

  async #readWords(shown, signal) {
    this.words.clear();
    const said = await read("/v1/log", { type: "message.posted", tail: 1, limit: 200, as_of: shown }, signal);
    for (const event of said) this.#hear(event);
  }

  #hear(event) {
    if (!event.data?.from_agent) return;
    this.words.delete(event.data.from_agent);
    this.words.set(event.data.from_agent, { id: event.event_id, at: event.recorded_at, ...event.data });
    if (this.words.size > WORDS_KEPT) this.words.delete(this.words.keys().next().value);
    if (event.data.kind?.startsWith("task")) this.#title(event.event_id, event.data.body);
  }

  #title(taskId, body) {
    this.titles.set(String(taskId), (body ?? "").split("\n", 1)[0]);
    if (this.titles.size > 5000) this.titles.delete(this.titles.keys().next().value);
  }

  #follow(after) {
    this.#stop = follow(after, {
      events: (events) => this.#apply(events),
      state: (state) => {
        if (state === "over") this.goLive();
        else if (state !== this.state && this.isLive) {
          this.#become(state);
          if (state === "live") this.#say("shown");
        }
      },
    });
  }

  #apply(events) {
    const changed = new Set();
    for (const event of events) {
      this.head = event.event_id;
      this.headAt = event.recorded_at;
      learn(event.recorded_at);
      if (event.type === "message.posted") {
        this.#hear(event);
        changed.add("words");
      }
      for (const { entity, after } of event.changes ?? []) {
        const slash = entity.indexOf("/");
        const noun = entity.slice(0, slash);
        if (noun === "message" && after) this.#say("message", after);
        if (!LISTS[noun]) continue;
        if (noun === "lock") this.#putLocks(entity.slice(slash + 1), [after ?? []].flat());
        else this.#put(noun, entity.slice(slash + 1), after);
        changed.add(noun);
      }
    }
    for (const noun of changed) this.#say(noun);
    this.#say("events", events);
  }

  #put(noun, key, row) {
    const table = this.tables[noun];
    const before = table.get(key);
    if (noun === "task" && row?.status === "done" && before) row = { ...row, recent: true };
    if (row === null || (STAYS[noun] && !STAYS[noun](row))) table.delete(key);
    else table.set(key, row);
    if (noun === "task") {
      const done = [...table].filter(([, task]) => task.recent);
      for (const [old] of done.slice(0, Math.max(0, done.length - DONE_KEPT))) table.delete(old);
    }
  }

  /** The locks on one key: one, or one of each that shares it. */
  #putLocks(key, rows) {
    for (const [name, row] of this.tables.lock) if (row.key === key) this.tables.lock.delete(name);
    for (const row of rows) this.#put("lock", LISTS.lock.key(row), row);
  }

  /** The rows of a thing: none, one, or of a shared lock one of each that has it. */
  find(noun, key) {
    if (noun === "lock") return [...this.tables.lock.values()].filter((row) => row.key === key);
    return [this.tables[noun]?.get(key) ?? []].flat();
  }

  /** The title of a task: its own, or the first line of the message that opened it; read if nobody knows it yet. */
  async titleOf(task) {
    if (task.title) return task.title;
    const known = this.titles.get(String(task.task_id));
    if (known !== undefined) return known;
    const found = await read(`/v1/log/${task.task_id}`).catch(() => null);
    this.#title(task.task_id, found?.event.data?.body ?? "");
    return this.titles.get(String(task.task_id));
  }

  /** The leases or places of a noun at the shown moment, those that ran out left out. */
  leases(noun) {
    const time = this.time;
    return [...this.tables[noun].values()].filter((row) => Date.parse(row.expires_at) >= time);
  }
}

export const world = new World();
