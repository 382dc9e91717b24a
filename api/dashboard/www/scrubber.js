// Time travel: a slider over the events of the log, with how busy each stretch was. Every panel shows its moment.

import { read } from "./api.js";
import { fill, h } from "./dom.js";
import { clock } from "./time.js";
import { world } from "./world.js";

const POINTS = 160;
const PLAY_MS = 700;
const MEASURE_EVERY = 60_000; // milliseconds after which the plot is made anew, when something happened
const SVG = "http://www.w3.org/2000/svg";

class Scrubber extends HTMLElement {
  #playing = 0;
  #wanted = 0;
  #measured = 0; // the newest event in the plot
  #mark = null; // the other end of what is compared; the newest event, unless one was marked

  connectedCallback() {
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Time travel");
    const button = (label, title, run) => h("button", { type: "button", title, aria: { label: title }, on: { click: run } }, label);
    this.plot = document.createElementNS(SVG, "svg");
    this.plot.setAttribute("aria-hidden", "true");
    this.plot.setAttribute("preserveAspectRatio", "none");
    this.slider = h("input", { type: "range", min: 0, step: 1, aria: { label: "Event that is shown" }, on: { input: () => this.#slide(), change: () => this.#slide() } });
    this.told = h("output", { aria: { live: "polite" } });
    this.same = h("select", { aria: { label: "Step through" } }, h("option", { value: "" }, "every event"), h("option", { value: "actor" }, "this agent"), h("option", { value: "stream" }, "this thing"));
    this.play = button("▶", "Play", () => this.#play());
    this.live = button("Live", "Back to now", () => world.goLive());
    this.mark = button("Mark", "Compare with this event", () => ((this.#mark = this.#mark === null ? (world.at ?? world.head) : null), this.#draw()));
    this.digest = h("button", { type: "button", on: { click: () => this.#between() } });
    this.append(
      h("div.track", {}, this.plot, this.slider),
      h("div.controls", {}, button("◀", "One step back", () => this.step(-1)), this.play, button("▶|", "One step forward", () => this.step(1)), this.same, this.told, this.mark, this.digest, this.live),
    );
    world.addEventListener("moment", () => this.#draw());
    world.addEventListener("events", () => this.#draw());
    world.addEventListener("shown", () => (this.#draw(), this.#measure()));
    setInterval(() => world.isLive && world.head > this.#measured && document.visibilityState === "visible" && this.#measure(), MEASURE_EVERY);
  }

  #draw() {
    this.slider.max = String(world.head);
    this.plot.setAttribute("viewBox", `0 0 ${world.head || 1} 1`);
    this.slider.value = String(world.at ?? world.head);
    this.live.hidden = world.isLive;
    this.digest.hidden = world.isLive && this.#mark === null;
    fill(this.mark, this.#mark === null ? "Mark" : `Marked ${this.#mark} ✕`);
    fill(this.digest, this.#mark === null ? "What changed since" : `What changed from ${this.#mark}`);
    document.body.dataset.past = world.isLive ? "" : "1";
    const time = world.isLive ? world.headAt : world.momentAt;
    fill(this.told, world.isLive ? `live, event ${world.head}` : `event ${world.at} of ${world.head}`, time ? `, ${clock(time)}` : "");
    this.slider.setAttribute("aria-valuetext", this.told.textContent);
    const hash = world.isLive ? "" : `#event=${world.at}`;
    if (location.hash !== hash && !location.hash.startsWith("#show=")) history.replaceState(null, "", hash || location.pathname);
  }

  /** How busy the log was: the events of each stretch a second, on a scale that shows quiet and storm alike. */
  async #measure() {
    const points = await read("/v1/log/timeline", { points: POINTS }).catch(() => []);
    if (points.length < 2) return;
    this.#measured = points.at(-1).event_id;
    const rates = points.slice(1).map((point, index) => (point.event_id - points[index].event_id) / Math.max(0.001, (Date.parse(point.at) - Date.parse(points[index].at)) / 1000));
    const top = Math.max(...rates.map(scale));
    this.plot.replaceChildren(
      ...rates.map((rate, index) => {
        const bar = document.createElementNS(SVG, "rect");
        const height = Math.max(0.02, scale(rate) / (top || 1));
        const place = { x: points[index].event_id, width: points[index + 1].event_id - points[index].event_id, y: 1 - height, height };
        for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value);
        return bar;
      }),
    );
  }

  #slide() {
    this.#stop();
    this.#wanted = Number(this.slider.value);
    fill(this.told, `event ${this.#wanted} of ${world.head}`);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.#wanted >= world.head ? world.goLive() : world.goTo(this.#wanted)), 80);
  }

  /** Go to the next event, or the one before, of all or of the agent or thing of the shown one. */
  async step(by) {
    const from = world.at ?? world.head;
    const same = this.same.value;
    let filter = {};
    if (same) {
      const { event } = await read(`/v1/log/${from}`);
      filter = { [same]: event[same] };
    }
    const found = by > 0 ? await read("/v1/log", { ...filter, after: from, limit: 1 }) : await read("/v1/log", { ...filter, tail: 1, limit: 1, as_of: from - 1 });
    if (found.length) await world.goTo(found[0].event_id);
    else if (by > 0) await world.goLive();
    return found.length > 0;
  }

  #play() {
    if (this.#playing) return this.#stop();
    this.play.textContent = "⏸";
    const on = async () => {
      const went = await this.step(1).catch(() => false);
      this.#playing = went && !world.isLive ? setTimeout(on, PLAY_MS) : 0;
      if (!this.#playing) this.play.textContent = "▶";
    };
    this.#playing = setTimeout(on, 0);
  }

  #stop() {
    clearTimeout(this.#playing);
    this.#playing = 0;
    this.play.textContent = "▶";
  }

  #range() {
    const ends = [world.at ?? world.head, this.#mark ?? world.head];
    return { from: Math.min(...ends), to: Math.max(...ends) };
  }

  #between() {
    document.dispatchEvent(new CustomEvent("arc-between", { detail: this.#range() }));
  }
}

const scale = (rate) => Math.log1p(rate * 10);

customElements.define("arc-scrubber", Scrubber);
