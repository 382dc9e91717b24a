// Who waits for a lock or a claim, in the order of their turns.

import { cut, h, keep } from "./dom.js";
import { agent, link, Panel } from "./panel.js";
import { ago } from "./time.js";
import { world } from "./world.js";

const MOST = 200;

class Queue extends Panel {
  heading = "Who waits";
  listens = ["place"];

  started() {
    setInterval(() => this.#age(), 1000);
  }

  draw() {
    const rows = world.leases("place").sort((one, other) => one.place - other.place);
    this.hidden = !rows.length;
    this.count(rows.length);
    keep(this.list("ol"), rows.slice(0, MOST), (row) => row.place, make);
  }

  /** Let the waits grow older; a place that ran out goes. */
  #age() {
    if (world.leases("place").length !== this.querySelectorAll("li").length) this.draw();
    for (const element of this.querySelectorAll("[data-since]")) element.textContent = ago(element.dataset.since, world.time);
  }
}

function make(row) {
  const paths = row.keys.length > 1 ? ` and ${row.keys.length - 1} more` : "";
  return h(
    "li.wait",
    {},
    agent(row.agent_id),
    " waits for ",
    link(`place/${row.place}`, h("bdi", { title: row.keys.join("\n") }, cut(row.name, 60)), paths),
    row.mode === "shared" ? h("span.chip", {}, "shared") : null,
    h("span.quiet.right", { data: { since: row.queued_at } }, ago(row.queued_at, world.time)),
  );
}

customElements.define("arc-queue", Queue);
