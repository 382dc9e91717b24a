// What needs a person, each with what to do. The hub finds it (`GET /v1/attention`); this shows it. Empty is good news.
// A question is not shown here as well when it stands beside, with its answers.

import { read } from "./api.js";
import { cut, eachFrame, h, keep } from "./dom.js";
import { action, link, Panel } from "./panel.js";
import { ago } from "./time.js";
import { world } from "./world.js";

const SOON = 250; // milliseconds after which it is read when something happened after a quiet while
const LOOK_AGAIN = 2500; // milliseconds between two reads at least
const LOOK_IN_ANY_CASE = 30_000; // what only time brings: an agent that fell silent, a disk that fills

const KINDS = { dark: "silent", secret: "key?" }; // kinds whose own name says too little

const TROUBLES = new Set(["damage", "disk", "hub"]); // kinds of the hub itself, which the header tells as well

class Attention extends Panel {
  heading = "Needs you";
  listens = ["question"];
  #items = null;
  #known = null;
  #timer = 0;
  #read = -LOOK_AGAIN;

  tools() {
    this.ask = action("notify me", () => askToNotify().then(() => this.#offer()), "Tell me on the desktop when something needs me");
    this.#offer();
    return [this.ask];
  }

  #offer() {
    this.ask.hidden = globalThis.Notification?.permission !== "default";
  }

  started() {
    const load = eachFrame(() => this.#load());
    world.addEventListener("shown", load);
    world.addEventListener("events", () => {
      this.#timer ||= setTimeout(() => ((this.#timer = 0), load()), Math.max(SOON, this.#read + LOOK_AGAIN - performance.now()));
    });
    setInterval(() => world.isLive && document.visibilityState === "visible" && load(), LOOK_IN_ANY_CASE);
  }

  async #load() {
    const at = world.at;
    this.#read = performance.now();
    const items = await read("/v1/attention", world.moment).catch(() => null);
    if (items === null || at !== world.at) return;
    this.#items = items;
    world.trouble(items.filter((item) => TROUBLES.has(item.kind)).map((item) => item.text));
    document.title = items.length ? `(${items.length}) Arc` : "Arc";
    this.#notify(items);
    this.draw();
  }

  draw() {
    if (this.#items === null) return;
    const items = this.#items.filter((item) => item.kind !== "question" || !world.tables.question.has(String(item.event_id)));
    this.count(items.length);
    this.dataset.calm = items.length ? "" : "1";
    if (!items.length) return this.nothing(world.tables.question.size ? "Nothing else needs you." : "Nothing needs you.");
    keep(this.list(), items, nameOf, make);
  }

  /** A desktop notification for what is new, if the reader asked for them. */
  #notify(items) {
    const names = new Set(items.map(nameOf));
    const fresh = this.#known && world.isLive ? items.filter((item) => !this.#known.has(nameOf(item))) : [];
    this.#known = names;
    if (fresh.length && globalThis.Notification?.permission === "granted" && document.visibilityState !== "visible")
      new Notification(`Arc: ${fresh[0].text}`, { body: fresh.length > 1 ? `and ${fresh.length - 1} more` : fresh[0].advice, tag: "arc" });
  }
}

/** Ask the browser whether this page may notify; it asks the reader. */
export const askToNotify = async () => globalThis.Notification?.requestPermission();

const nameOf = (item) => `${item.kind} ${item.entity} ${item.event_id}`;

function make(item) {
  return h(
    "li.item",
    { data: { kind: item.kind } },
    h("span.chip.kind", {}, KINDS[item.kind] ?? item.kind),
    item.entity ? link(item.entity, h("strong", {}, h("bdi", {}, cut(item.text, 160)))) : h("strong", {}, cut(item.text, 160)),
    item.since ? h("span.quiet.right", { title: item.since }, ago(item.since, world.time)) : h("span"),
    h("span.quiet.advice", {}, item.advice),
  );
}

customElements.define("arc-attention", Attention);
