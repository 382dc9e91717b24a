// The palette (Ctrl-K): every panel, channel, thread, agent and command by a few letters; and the keys of the page.

import { cut, fill, h } from "./dom.js";
import { askToNotify } from "./attention.js";
import { show } from "./panel.js";
import { COMMANDS } from "./slash.js";
import { world } from "./world.js";

const MOST = 12;

class Palette extends HTMLElement {
  connectedCallback() {
    this.field = h("input", { type: "text", role: "combobox", placeholder: "Go to, or do …", autocomplete: "off", aria: { label: "Go to, or do", expanded: "true", controls: "palette-list" } });
    this.found = h("ul", { id: "palette-list", role: "listbox", aria: { label: "Found" } });
    this.dialog = h("dialog.palette", { aria: { label: "Palette" } }, this.field, this.found);
    this.append(this.dialog);
    this.field.addEventListener("input", () => this.#search());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("keydown", (event) => this.#pageKey(event));
  }

  open() {
    this.field.value = "";
    this.#search();
    this.dialog.showModal();
    this.field.focus();
  }

  #all() {
    const write = (text) => () => document.dispatchEvent(new CustomEvent("arc-write", { detail: text }));
    const room = (kind, name) => () => document.dispatchEvent(new CustomEvent("arc-room", { detail: { kind, name } }));
    return [
      ...[...document.querySelectorAll("[data-key]:not([hidden])")].map((panel) => ({ label: `Go to ${panel.heading}`, run: () => focusPanel(panel) })),
      { label: "Go back to now", run: () => world.goLive() },
      { label: "Notify me on the desktop when something needs me", run: askToNotify },
      { label: "Light or dark", run: () => document.dispatchEvent(new CustomEvent("arc-theme")) },
      ...Object.entries(COMMANDS).map(([name, [takes, does]]) => ({ label: `/${name} ${takes} – ${does}`, run: write(`/${name} `) })),
      ...[...world.tables.channel.keys()].map((name) => ({ label: `#${name}`, run: room("channel", name) })),
      ...[...world.tables.thread.keys()].map((name) => ({ label: `thread ${name}`, run: room("thread", name) })),
      ...[...world.tables.session.values()].map((one) => ({ label: `agent ${one.agent_id}`, run: () => show(`session/${one.agent_id}`) })),
      ...[...new Set([...world.tables.lock.values()].map((row) => row.key))].map((key) => ({ label: `lock ${key}`, run: () => show(`lock/${key}`) })),
      ...[...world.tables.question.values()].map((one) => ({ label: `question ${one.question_id} of ${one.asker}: ${one.body}`, run: () => show(`question/${one.question_id}`) })),
      ...world.leases("place").map((one) => ({ label: `${one.agent_id} waits for ${one.name}`, run: () => show(`place/${one.place}`) })),
      ...[...world.tables.task.keys()].map((key) => ({ label: `task ${key} ${world.titles.get(key) ?? ""}`, run: () => show(`task/${key}`) })),
    ];
  }

  #search() {
    const words = this.field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const jump = /^\d+$/.test(this.field.value.trim()) ? [{ label: `Event ${this.field.value.trim()}`, run: () => show(`event/${this.field.value.trim()}`) }] : [];
    const typed = this.field.value.trim();
    const search = words.length && !typed.startsWith("/") ? [{ label: `Search messages for ${typed}`, run: () => show(`search/${typed}`) }] : [];
    const found = this.#all().filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)));
    this.rows = [...jump, ...found.slice(0, MOST), ...search];
    this.at = 0;
    this.#draw();
  }

  #draw() {
    fill(this.found, this.rows.map((row, index) => h("li", { role: "option", id: `palette-${index}`, aria: { selected: String(index === this.at) }, on: { click: () => this.#run(row) } }, cut(row.label, 90))));
    this.field.setAttribute("aria-activedescendant", `palette-${this.at}`);
  }

  #key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + this.rows.length) % Math.max(1, this.rows.length);
      this.#draw();
    } else if (event.key === "Enter" && this.rows[this.at]) {
      event.preventDefault();
      this.#run(this.rows[this.at]);
    }
  }

  #run(row) {
    this.dialog.close();
    row.run();
  }

  /** Keys of the page: Ctrl-K, the number of a panel, j and k through its rows, [ and ] through time. */
  #pageKey(event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      return this.open();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || /^(input|textarea|select)$/i.test(event.target.localName) || document.querySelector("dialog[open]")) return;
    const panel = document.querySelector(`[data-key="${CSS.escape(event.key)}"]:not([hidden])`);
    if (panel) focusPanel(panel);
    else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
    else if (event.key === "[" || event.key === "]") document.querySelector("arc-scrubber").step(event.key === "]" ? 1 : -1);
    else if (event.key === "l") world.goLive();
    else if (event.key === "/") document.dispatchEvent(new CustomEvent("arc-write", { detail: "/" }));
    else if (event.key === "?") this.open();
    else return;
    event.preventDefault();
  }
}

/** Show a panel, also where one at a time fits, and put the focus on its first row. */
export function focusPanel(panel) {
  const tabs = [...document.querySelectorAll("nav button")];
  const own = tabs.find((tab) => tab.dataset.panel === panel.localName) ?? (panel.closest("main") && tabs.find((tab) => tab.dataset.panel === "arc-leases"));
  if (own) {
    document.body.dataset.tab = own.dataset.panel;
    for (const tab of tabs) tab.setAttribute("aria-current", String(tab === own));
  }
  panel.scrollIntoView({ block: "nearest" });
  (panel.querySelector("li button, li a") ?? panel.querySelector("input, textarea, select, button") ?? panel).focus();
}

/** Move the focus to the next row of the panel that has it. */
function step(by) {
  const panel = document.activeElement?.closest("[data-key]") ?? [...document.querySelectorAll("[data-key]:not([hidden])")].find((one) => one.querySelector("li"));
  if (!panel) return;
  const rows = [...panel.querySelectorAll("li")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
  next?.querySelector("button, a")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

customElements.define("arc-palette", Palette);
