// The log itself: every event, newest last, by kind, by agent or by thing.

import { read } from "./api.js";
import { cut, eachFrame, h, keep, stayAtEnd } from "./dom.js";
import { agent, link, Panel } from "./panel.js";
import { clock } from "./time.js";
import { world } from "./world.js";

const KEPT = 200;

class Log extends Panel {
  heading = "Log";
  rows = [];

  tools() {
    const field = (name, label) => h("input", { name, placeholder: label, autocomplete: "off", spellcheck: "false", aria: { label: `Only events of this ${label}` } });
    this.filter = h("form.filter", { on: { submit: (event) => event.preventDefault(), change: () => this.#load() } }, field("type", "type"), field("actor", "agent"), field("stream", "thing"));
    return [this.filter];
  }

  get #wanted() {
    return Object.fromEntries([...new FormData(this.filter)].filter(([, value]) => value.trim()).map(([name, value]) => [name, value.trim()]));
  }

  started() {
    this.end = stayAtEnd(this.body);
    this.redraw = eachFrame(() => this.#show());
    world.addEventListener("shown", () => this.#load());
    world.addEventListener("events", ({ detail }) => {
      if (Object.keys(this.#wanted).length) return this.#load();
      this.rows = [...this.rows, ...detail.slice(-KEPT)].slice(-KEPT);
      this.redraw();
    });
    document.addEventListener("arc-log", ({ detail }) => {
      for (const input of this.filter.elements) input.value = detail[input.name] ?? "";
      this.#load();
      this.scrollIntoView({ block: "nearest" });
    });
  }

  async #load() {
    const at = world.at;
    try {
      const rows = await read("/v1/log", { ...this.#wanted, tail: 1, limit: KEPT, ...world.moment });
      if (at === world.at) this.rows = rows;
      this.#show();
    } catch (error) {
      this.nothing(error.message);
    }
  }

  #show() {
    if (!this.rows.length) return this.nothing("No such events.");
    keep(this.list("ol"), this.rows, (event) => event.event_id, make);
    this.end.settle();
  }
}

function make(event) {
  const about = event.data ? summary(event.data) : "cannot be read";
  return h(
    "li.event",
    { data: { damaged: event.damaged ? "1" : "" } },
    link(`event/${event.event_id}`, h("span.id", {}, event.event_id)),
    h("span.quiet", { title: event.recorded_at }, clock(event.recorded_at)),
    h("span.type", {}, event.type),
    event.actor === "system" ? h("span.quiet", {}, "system") : agent(event.actor),
    h("span.about", { title: event.stream }, h("bdi", {}, cut(about, 100))),
  );
}

function summary(data) {
  const said = data.body ?? data.file_path ?? data.claim_key ?? data.name ?? data.reason ?? data.task_id ?? data.agent_id ?? data.notice?.body ?? "";
  return typeof said === "string" || typeof said === "number" ? said : JSON.stringify(said);
}

customElements.define("arc-log", Log);
