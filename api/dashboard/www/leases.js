// Locks and claims: who holds what, and for how long still; and, folder by folder, where agents work close together.

import { change } from "./api.js";
import { cut, h, keep } from "./dom.js";
import { me } from "./me.js";
import { action, agent, attempt, link, Panel } from "./panel.js";
import { lasting } from "./time.js";
import { world } from "./world.js";

const NOUNS = {
  lock: { holder: "agent_id", key: "key", since: "locked_at", free: "/v1/locks/force-release", named: (row) => ({ file_path: row.file_path, fencing_token: row.fencing_token }) },
  claim: { holder: "owner_agent_id", key: "claim_key", since: "claimed_at", free: "/v1/claims/force-release", named: (row) => ({ claim_key: row.claim_key }) },
};
const MOST = 500;

class Leases extends Panel {
  heading = "Locks and claims";
  listens = ["lock", "claim", "place"];

  started() {
    setInterval(() => this.#run(), 1000);
  }

  draw() {
    const waiting = new Map();
    for (const place of world.leases("place")) for (const key of place.keys) waiting.set(`${place.noun}/${key}`, (waiting.get(`${place.noun}/${key}`) ?? 0) + 1);
    const rows = Object.keys(NOUNS).flatMap((noun) => world.leases(noun).map((row) => wrap(noun, row, waiting.get(`${noun}/${row[NOUNS[noun].key]}`) ?? 0)));
    this.count(rows.length);
    if (!rows.length) return this.nothing("Nothing is held. Agents lock files while they edit them, and claim the work they do.");
    rows.sort((one, other) => Date.parse(one.row.expires_at) - Date.parse(other.row.expires_at));
    this.keep(rows.slice(0, MOST), (row) => `${row.noun}/${row.row[NOUNS[row.noun].key]}/${row.row[NOUNS[row.noun].holder]}`, make);
    this.#run();
  }

  /** Let the leases run down; one that ran out goes. */
  #run() {
    const time = world.time;
    let over = false;
    for (const meter of this.querySelectorAll("[data-expires]")) {
      const left = Number(meter.dataset.expires) - time;
      over ||= left < 0;
      meter.textContent = lasting(left);
      meter.previousElementSibling.value = Math.max(0, left / Number(meter.dataset.whole));
    }
    if (over) this.draw();
  }
}

const wrapped = new WeakMap();

/** The same object for a lease of which nothing changed, so that its element stays. */
function wrap(noun, row, waiting) {
  if (wrapped.get(row)?.waiting !== waiting) wrapped.set(row, { noun, row, waiting });
  return wrapped.get(row);
}

/** The button by which an operator takes a lock or claim away. */
export function freeAction(noun, row) {
  const { holder, key, free, named } = NOUNS[noun];
  return action("free", () => {
    const why = prompt(`Free ${row[key]}, which ${row[holder]} holds? Say why:`);
    if (why) attempt(() => change(free, { ...named(row), agent_id: me(), reason: why }), `${row[key]} is free`);
  });
}

function make({ noun, row, waiting }) {
  const { holder, key, since } = NOUNS[noun];
  const whole = Math.max(1, Date.parse(row.expires_at) - Date.parse(row[since]));
  return h(
    "li.lease",
    {},
    h(`span.chip.${noun}`, {}, row.mode === "shared" ? `shared ${noun}` : noun),
    link(`${noun}/${row[key]}`, h("bdi", { title: row[key] }, cut(row[key], 80))),
    agent(row[holder]),
    h(
      "span.right",
      {},
      h("progress", { max: 1, value: 1, aria: { label: "time left" } }),
      h("span.quiet", { data: { expires: Date.parse(row.expires_at), whole } }),
      waiting ? h("span.waiting", {}, `${waiting} waiting`) : null,
    ),
    world.isLive ? h("div.does", {}, freeAction(noun, row)) : null,
  );
}

class Radar extends Panel {
  heading = "Who works where";
  listens = ["lock"];

  draw() {
    const folders = new Map();
    for (const lock of world.leases("lock")) {
      const folder = lock.key.includes("/") ? lock.key.slice(0, lock.key.lastIndexOf("/")) : ".";
      if (!folders.has(folder)) folders.set(folder, new Map());
      const agents = folders.get(folder);
      agents.set(lock.agent_id, (agents.get(lock.agent_id) ?? 0) + 1);
    }
    const close = [...folders].filter(([, agents]) => agents.size > 1).sort((one, other) => other[1].size - one[1].size);
    this.hidden = !close.length;
    this.count(close.length);
    keep(
      this.list(),
      close.slice(0, 20),
      ([folder]) => folder,
      ([folder, agents]) =>
        h("li.near", {}, h("bdi", {}, cut(folder, 60)), [...agents].map(([name, count]) => h("span", {}, agent(name), count > 1 ? ` ×${count}` : ""))),
    );
  }
}

customElements.define("arc-leases", Leases);
customElements.define("arc-radar", Radar);
