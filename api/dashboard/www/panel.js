// What all panels share: a heading with a count, and a body that is drawn again in the next frame after a change.

import { eachFrame, fill, h, keep } from "./dom.js";
import { world } from "./world.js";

const AT_FIRST = 50; // rows that are drawn before the page is seen for the first time; the others follow

export class Panel extends HTMLElement {
  /** The panel's heading. */
  heading = "";
  /** What the world says when this panel is to be drawn again. */
  listens = [];
  #count = null;
  #most = AT_FIRST;

  connectedCallback() {
    const id = `${this.localName}-heading`;
    this.#count = h("span.count", { aria: { live: "off" } });
    this.body = h("div.body");
    this.setAttribute("role", "region");
    this.setAttribute("aria-labelledby", id);
    this.append(h("h2", { id }, this.heading, " ", this.#count), ...this.tools(), this.body);
    const draw = eachFrame(() => this.draw());
    for (const noun of [...this.listens, "shown"]) world.addEventListener(noun, draw);
    this.started();
    draw();
  }

  /** Elements between the heading and the body. */
  tools() {
    return [];
  }

  started() {}

  draw() {}

  count(number) {
    this.#count.textContent = number ? String(number) : "";
  }

  /** Show one sentence instead of rows. */
  nothing(...sentence) {
    fill(this.body, h("p.nothing", {}, ...sentence));
  }

  /** Keep the list in step with rows; of very many the first ones at once, so that the page stands soon. */
  keep(rows, key, make) {
    keep(this.list(), rows.slice(0, this.#most), key, make);
    if (rows.length <= this.#most) return;
    this.#most = Infinity;
    requestAnimationFrame(() => setTimeout(() => this.draw()));
  }

  /** An empty list to put rows into. */
  list(tag = "ul") {
    if (this.body.firstElementChild?.localName !== tag) fill(this.body, h(tag));
    return this.body.firstElementChild;
  }
}

/** Open the details of a thing: `lock/src/a.py`, `task/17`, `event/812`. */
export function show(entity) {
  document.dispatchEvent(new CustomEvent("arc-show", { detail: entity }));
}

/** A button that looks like text and opens the details of a thing. */
export function link(entity, ...children) {
  return h("button.link", { type: "button", data: { focus: entity }, on: { click: () => show(entity) } }, ...children);
}

/** The name of an agent, in a colour that stays its own. */
export function agent(agentId, name = agentId) {
  let hash = 0;
  for (const char of agentId) hash = (hash * 31 + char.codePointAt(0)) % 360;
  const element = link(`session/${agentId}`, h("bdi", {}, name));
  element.classList.add("agent");
  element.style.setProperty("--hue", String(hash));
  return element;
}

/** A small button for an action. */
export function action(label, run, title = null) {
  return h("button.action", { type: "button", title, data: { focus: label }, on: { click: run } }, label);
}

/** Say something for a moment, to everyone who sees or hears the page. */
export function say(text, isError = false) {
  const place = document.getElementById("said");
  const line = h(isError ? "p.error" : "p", {}, text);
  place.append(line);
  setTimeout(() => line.remove(), 8000);
}

/** Do something, and say so where it fails. */
export async function attempt(work, done = null) {
  try {
    const result = await work();
    if (done) say(done);
    return result;
  } catch (error) {
    say(error.message, true);
    return null;
  }
}
