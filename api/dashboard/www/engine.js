// Where the log is kept, when that is not the hub's own file: how many machines have it, and whether it answers.

import { read } from "./api.js";
import { fill, h } from "./dom.js";
import { lasting } from "./time.js";
import { world } from "./world.js";

const LOOK_EVERY = 5000; // milliseconds
const LATE = 3; // seconds after which a log that was not heard from is told

const NAMES = { postgresql: "PostgreSQL" };

class Engine extends HTMLElement {
  connectedCallback() {
    this.hidden = true;
    world.addEventListener("shown", () => this.draw(world.health));
    setInterval(() => !this.hidden && document.visibilityState === "visible" && this.#look(), LOOK_EVERY);
  }

  async #look() {
    const health = await read("/v1/health").catch(() => null);
    if (health !== null) this.draw(health);
  }

  draw({ log_state: log, problem }) {
    this.hidden = !log;
    if (!log) return;
    const late = log.lag_sec === null || log.lag_sec > LATE;
    const away = log.lag_sec === null ? "not reached yet" : `away for ${lasting(log.lag_sec * 1000)}`;
    this.title = [log.where, log.durability, problem].filter(Boolean).join("\n");
    this.dataset.state = late ? "away" : log.is_copied ? "copied" : "single";
    fill(this, h("span", {}, `log on ${NAMES[log.engine] ?? log.engine}: `), h("strong", {}, late ? away : log.is_copied ? "two copies" : "one copy only"));
  }
}

customElements.define("arc-engine", Engine);
