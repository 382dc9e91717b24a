// What needs a person, each with what to do. The hub finds it (`GET /v1/attention`); this shows it. Empty is good news.

import { read } from "./api.js";
import { cut, eachFrame, h, keep } from "./dom.js";
import { link, Panel } from "./panel.js";
import { ago } from "./time.js";
import { world } from "./world.js";

const LOOK_AGAIN = 1000; // milliseconds between two reads at least
const LOOK_IN_ANY_CASE = 30_000; // what only time brings: an agent that fell silent, a disk that fills

class Attention extends Panel {
  heading = "Needs you";
  listens = [];
  #known = null;
  #timer = 0;

  started() {
    const load = eachFrame(() => this.#load());
    world.addEventListener("shown", load);
    world.addEventListener("events", () => {
      this.#timer ||= setTimeout(() => ((this.#timer = 0), load()), LOOK_AGAIN);
    });
    setInterval(() => world.isLive && document.visibilityState === "visible" && load(), LOOK_IN_ANY_CASE);
  }

  async #load() {
    const at = world.at;
    const items = await read("/v1/attention", world.moment).catch(() => null);
    if (items === null || at !== world.at) return;
    this.count(items.length);
    this.dataset.calm = items.length ? "" : "1";
    document.title = items.length ? `(${items.length}) Arc` : "Arc";
    this.#notify(items);
    if (!items.length) return this.nothing("Nothing needs you.");
    keep(this.list(), items, (item) => `${item.kind} ${item.entity} ${item.event_id}`, make);
  }

  /** A desktop notification for what is new, if the reader asked for them. */
  #notify(items) {
    const names = new Set(items.map((item) => `${item.kind} ${item.entity} ${item.event_id}`));
    const fresh = this.#known && world.isLive ? items.filter((item) => !this.#known.has(`${item.kind} ${item.entity} ${item.event_id}`)) : [];
    this.#known = names;
    if (fresh.length && globalThis.Notification?.permission === "granted" && document.visibilityState !== "visible")
      new Notification(`Arc: ${fresh[0].text}`, { body: fresh.length > 1 ? `and ${fresh.length - 1} more` : fresh[0].advice, tag: "arc" });
  }
}

function make(item) {
  return h(
    "li.item",
    { data: { kind: item.kind } },
    h("span.chip.kind", {}, item.kind),
    item.entity ? link(item.entity, h("strong", {}, h("bdi", {}, cut(item.text, 160)))) : h("strong", {}, cut(item.text, 160)),
    h("span.quiet", {}, item.advice),
    item.since ? h("span.quiet.right", { title: item.since }, ago(item.since, world.time)) : null,
  );
}

customElements.define("arc-attention", Attention);
