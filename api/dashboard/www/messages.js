// What is said: a channel, a thread or what was said to one agent; and the line to answer with.

import { change, read, readEnvelope } from "./api.js";
import { eachFrame, fill, h, keep, stayAtEnd } from "./dom.js";
import { run } from "./slash.js";
import { me } from "./me.js";
import { action, agent, attempt, link, Panel, say } from "./panel.js";
import { clock } from "./time.js";
import { world } from "./world.js";

const MOST = 3000; // messages in the page while somebody reads older ones
const KEPT = 300; // messages that stay in the page; older ones are read when they are asked for
const PAGE = 100;
const LONG = 1500; // characters of a body that are shown at first

class Messages extends Panel {
  heading = "Messages";
  listens = ["channel", "thread", "session"];
  room = { kind: "channel", name: "general" };
  rows = [];
  #reply = null;

  tools() {
    this.picker = h("select", { aria: { label: "Channel or thread" }, on: { change: () => this.enter(JSON.parse(this.picker.value)) } });
    return [this.picker];
  }

  started() {
    this.field = h("textarea", { rows: 1, placeholder: "Say something, or / for a command", aria: { label: "Message" } });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#send();
      } else if (event.key === "Escape") this.#answer(null);
    });
    this.field.addEventListener("input", () => {
      this.field.rows = Math.min(8, this.field.value.split("\n").length);
    });
    this.answering = h("span.quiet");
    this.line = h("form.say", { on: { submit: (event) => (event.preventDefault(), this.#send()) } }, this.answering, this.field, h("button", { type: "submit" }, "Send"));
    this.append(this.line);
    this.end = stayAtEnd(this.body);
    world.addEventListener("message", ({ detail }) => this.#arrived(detail));
    world.addEventListener("shown", () => this.#load());
    document.addEventListener("arc-write", ({ detail }) => {
      this.field.value = detail;
      this.field.focus();
    });
    document.addEventListener("arc-room", ({ detail }) => this.enter(detail));
  }

  /** Show another room: `{kind: "channel" | "thread" | "inbox", name}`. */
  enter(room) {
    this.room = room;
    this.rows = [];
    fill(this.body);
    this.#choose();
    this.#load();
  }

  draw() {
    this.#choose();
  }

  #choose() {
    const option = (room, label) => h("option", { value: JSON.stringify(room), selected: same(room, this.room) }, label);
    const channels = [...world.tables.channel.keys()].sort();
    const threads = [...world.tables.thread.values()].slice(0, 200);
    const known = this.room.kind === "inbox" || channels.includes(this.room.name) || world.tables.thread.has(this.room.name);
    fill(
      this.picker,
      h("optgroup", { label: "Channels" }, channels.map((name) => option({ kind: "channel", name }, `#${name}`))),
      threads.length ? h("optgroup", { label: "Threads" }, threads.map((thread) => option({ kind: "thread", name: thread.thread_id }, `${thread.thread_id} (${thread.message_count})`))) : null,
      h("optgroup", { label: "To one agent" }, option({ kind: "inbox", name: me() }, `to ${me()}`), [...world.tables.session.keys()].sort().map((name) => (name === me() ? null : option({ kind: "inbox", name }, `to ${name}`)))),
      known ? null : option(this.room, this.room.name),
    );
  }

  get #read() {
    const { kind, name } = this.room;
    if (kind === "inbox") return [`/v1/inbox/${encodeURIComponent(name)}`, {}];
    return ["/v1/messages", kind === "thread" ? { thread_id: name } : { channel: name }];
  }

  #has(message) {
    const { kind, name } = this.room;
    if (kind === "inbox") return message.to_agent === name;
    if (message.to_agent) return false;
    return kind === "thread" ? message.thread_id === name : message.channel === name;
  }

  async #load() {
    const room = this.room;
    this.line.hidden = !world.isLive;
    const at = world.at;
    const [base, parameters] = this.#read;
    const rows = await read(base, { ...parameters, tail: 1, limit: PAGE, ...world.moment }).catch(() => []);
    if (room !== this.room || at !== world.at) return;
    const known = new Set(rows.map((row) => row.id));
    this.rows = world.isLive ? [...rows, ...this.rows.filter((row) => row.id > (rows.at(-1)?.id ?? 0) && !known.has(row.id))] : rows;
    this.#show(true);
  }

  #arrived(message) {
    if (!this.#has(message) || this.rows.some((row) => row.id === message.id)) return;
    this.rows.push(message);
    const most = this.end.isWanted ? KEPT : MOST;
    if (this.rows.length > 2 * most) this.rows.splice(0, this.rows.length - most);
    this.#redraw();
  }

  #redraw = eachFrame(() => {
    const most = this.end.isWanted ? KEPT : MOST;
    if (this.rows.length > most) this.rows.splice(0, this.rows.length - most);
    this.#show(false);
  });

  async #older() {
    const first = this.rows[0]?.id;
    if (!first) return;
    const [base, parameters] = this.#read;
    const rows = await attempt(() => read(base, { ...parameters, tail: 1, limit: PAGE, as_of: first - 1 }));
    if (!rows) return;
    const height = this.body.scrollHeight;
    this.rows = [...rows, ...this.rows];
    this.end.isWanted = false;
    this.#show(false);
    this.body.scrollTop += this.body.scrollHeight - height;
  }

  #show(toEnd) {
    if (!this.rows.length) return this.nothing("Nothing was said here yet.");
    const list = this.list("ol");
    const more = { id: "older" };
    keep(
      list,
      this.rows.length >= PAGE ? [more, ...this.rows] : this.rows,
      (row) => row.id,
      (row) => (row === more ? h("li.older", {}, action("older messages", () => this.#older())) : this.#message(row)),
    );
    this.end.settle(toEnd);
  }

  #message(message) {
    return h(
      "li.message",
      { data: { kind: message.kind, mine: message.from_agent === me() ? "1" : "" } },
      h(
        "div.line",
        {},
        message.from_agent === "system" ? h("span.quiet", {}, "system") : agent(message.from_agent),
        message.to_agent ? [" → ", agent(message.to_agent)] : null,
        message.kind === "chat" ? null : h("span.chip.kind", {}, message.kind),
        message.thread_id && this.room.kind !== "thread"
          ? h("button.link", { type: "button", on: { click: () => this.enter({ kind: "thread", name: message.thread_id }) } }, h("span.chip", {}, message.thread_id))
          : null,
        message.ack ? link(`receipt/${message.id}`, h("span.chip.ack", { title: "whether it was acknowledged" }, message.ack_by ? `ack by ${clock(message.ack_by)}` : "ack")) : null,
        message.reply_to ? link(`event/${message.reply_to}`, h("span.quiet", {}, `re ${message.reply_to}`)) : null,
        h("span.right", {}, link(`event/${message.id}`, h("span.quiet", { title: message.ts }, clock(message.ts)))),
      ),
      body(message),
      message.attachments?.map(attachment),
      world.isLive && message.from_agent !== "system" ? h("div.does", {}, action("reply", () => this.#answer(message))) : null,
    );
  }

  #answer(message) {
    this.#reply = message;
    fill(this.answering, message ? `answering ${message.id}` : null);
    if (message) this.field.focus();
  }

  async #send() {
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.field.rows = 1;
    if (text.startsWith("/")) {
      const said = await attempt(() => run(text, this));
      if (said) say(said);
      return;
    }
    const answered = this.#reply;
    this.#answer(null);
    const { kind, name } = this.room;
    const message = { from_agent: me(), body: text };
    if (answered) Object.assign(message, { reply_to: answered.id, channel: answered.channel, thread_id: answered.thread_id, to_agent: answered.to_agent ? answered.from_agent : null });
    else if (kind === "inbox") message.to_agent = name;
    else if (kind === "thread") Object.assign(message, { thread_id: name, channel: world.tables.thread.get(name)?.channel ?? "general" });
    else message.channel = name;
    const done = await attempt(() => change("/v1/messages", message));
    if (!done) this.field.value = text;
  }
}

function body(message) {
  const text = message.body ?? "";
  const shown = h("div.text", { dir: "auto" }, text.slice(0, LONG));
  if (text.length <= LONG && !message.cut) return shown;
  return h(
    "div",
    {},
    shown,
    action(`show all of it`, async (event) => {
      const whole = message.cut ? (await readEnvelope(`/v1/log/${message.id}`)).result.event.data?.body : text;
      fill(shown, whole);
      event.target.remove();
    }),
  );
}

function attachment(one) {
  if (one.type === "code" || one.type === "json" || one.type === "text") {
    const text = typeof one.content === "string" ? one.content : JSON.stringify(one.content, null, 2);
    return h("details.attachment", { open: text.length < 600 }, h("summary", {}, one.type, one.language ? ` ${one.language}` : ""), h("pre", {}, h("code", {}, text)));
  }
  const lines = one.start_line ? `:${one.start_line}${one.end_line ? `–${one.end_line}` : ""}` : "";
  const span = one.base ? ` ${one.base} → ${one.head ?? ""}` : "";
  return h("p.attachment", {}, h("span.chip", {}, one.type === "diff_ref" ? "diff" : "file"), " ", link(`lock/${one.path}`, h("bdi", {}, `${one.path}${lines}`)), span, one.description ? ` – ${one.description}` : null);
}

const same = (one, other) => one.kind === other.kind && one.name === other.name;

customElements.define("arc-messages", Messages);
