// Agents: who is here, what each holds, works on and said last.

import { change, read, remove } from "./api.js";
import { cut, eachFrame, h, keep } from "./dom.js";
import { me } from "./me.js";
import { action, agent, attempt, link, Panel } from "./panel.js";
import { ago } from "./time.js";
import { world } from "./world.js";

class Sessions extends Panel {
  heading = "Agents";
  listens = ["session", "claim", "lock", "place", "words"];
  #called = new Map(); // the wakes that are on their way, by agent

  started() {
    setInterval(() => this.#age(), 5000);
    const load = eachFrame(() => this.#loadCalled());
    world.addEventListener("shown", load);
    world.addEventListener("events", ({ detail }) => detail.some((event) => event.stream.startsWith("wake/")) && load());
  }

  async #loadCalled() {
    const at = world.at;
    const wakes = await read("/v1/wakes", { called: 1, limit: 500, ...world.moment }).catch(() => []);
    if (at !== world.at) return;
    this.#called = new Map(wakes.map((wake) => [wake.agent_id, wake.wake_id]));
    this.draw();
  }

  draw() {
    const rows = [...world.tables.session.values()].sort((one, other) => one.agent_id.localeCompare(other.agent_id));
    this.count(rows.length);
    if (!rows.length) return this.nothing("No agents are here. An agent appears when it registers, posts or asks for a lock.");
    const held = new Map();
    for (const lock of world.leases("lock")) push(held, lock.agent_id, ["lock", lock.key]);
    for (const claim of world.leases("claim")) push(held, claim.owner_agent_id, ["claim", claim.claim_key]);
    for (const place of world.leases("place")) push(held, place.agent_id, ["place", String(place.place), `waits for ${place.name}`]);
    const before = this.#rows;
    this.#rows = new Map();
    keep(
      this.list(),
      rows.map((session) => this.#row(before, session, held.get(session.agent_id) ?? [])),
      (row) => row.session.agent_id,
      (row) => make(row),
    );
    this.#age();
  }

  #rows = new Map();

  /** The same object for an agent of whom nothing changed, so that its element stays. */
  #row(rows, session, held) {
    const words = world.words.get(session.agent_id) ?? null;
    const called = this.#called.get(session.agent_id) ?? null;
    const before = rows.get(session.agent_id);
    const said = held.map((one) => one.join("/")).join("\n");
    if (before && before.session === session && before.words === words && before.said === said && before.called === called) this.#rows.set(session.agent_id, before);
    else this.#rows.set(session.agent_id, { session, held, words, said, called });
    return this.#rows.get(session.agent_id);
  }

  #age() {
    for (const element of this.querySelectorAll("[data-since]")) element.textContent = ago(element.dataset.since, world.time);
  }
}

function push(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}

/** Have an agent called that may be idle. */
export const callAgent = (agentId) => change(`/v1/agents/${encodeURIComponent(agentId)}/wake`, { from_agent: me() });

/** The button for it. */
export const wakeAction = (agentId) => action("wake", () => attempt(() => callAgent(agentId), `${agentId} is called`), `Call ${agentId}, which may be idle`);

function make({ session, held, words, called }) {
  const shown = held.slice(0, 4);
  return h(
    "li.session",
    {},
    h(
      "div.line",
      {},
      h("span.dot.live", { aria: { hidden: "true" } }),
      agent(session.agent_id, session.display_name),
      session.display_name === session.agent_id ? null : h("span.quiet", {}, session.agent_id),
      called ? link(`event/${called}`, h("span.chip.called", {}, "called")) : null,
      h("span.quiet.right", { data: { since: session.last_seen }, title: "last seen" }),
    ),
    shown.length
      ? h(
          "div.holds",
          {},
          shown.map(([noun, key, text = key]) => link(`${noun}/${key}`, h(`span.chip.${noun}`, { title: text }, text === key ? short(key) : cut(text, 40)))),
          held.length > shown.length ? h("span.quiet", {}, `+${held.length - shown.length} more`) : null,
        )
      : null,
    words ? h("div.words", { title: words.body }, link(`event/${words.id}`, "“", h("bdi", {}, cut(words.body, 110)), "”")) : null,
    world.isLive
      ? h(
          "div.does",
          {},
          action("message", () => document.dispatchEvent(new CustomEvent("arc-write", { detail: `/dm ${session.agent_id} ` }))),
          wakeAction(session.agent_id),
          action("end session", () => {
            if (confirm(`End the session of ${session.agent_id}? What it holds is released.`))
              attempt(() => remove(`/v1/sessions/${encodeURIComponent(session.session_id)}`), `${session.agent_id} has left`);
          }),
        )
      : null,
  );
}

/** The end of a long path, where paths differ. */
const short = (key) => (key.length > 28 ? `…${key.slice(-27)}` : key);

customElements.define("arc-sessions", Sessions);
