// Finding what was said, by its words, as of the shown moment.

import { read } from "./api.js";
import { h } from "./dom.js";
import { agent, link, show } from "./panel.js";
import { clock } from "./time.js";
import { world } from "./world.js";

const MOST = 50;

/** What the details show of a search. */
export async function hits(words) {
  const rows = await read("/v1/search", { q: words, limit: MOST, ...world.moment });
  if (!rows.length) return [h("p.nothing", {}, "No message has all of these words.")];
  return [
    h("p.quiet", {}, rows.length < MOST ? `${rows.length} messages, the newest first` : `the newest ${MOST} messages`),
    h("ol.hits", {}, rows.map((row) => h("li", {}, agent(row.from_agent), h("span.quiet", {}, row.to_agent ? ` to ${row.to_agent}` : ` in #${row.channel}`, `, ${clock(row.ts)}`), h("p", {}, link(`event/${row.id}`, ...marked(row.snippet, words)))))),
  ];
}

/** A snippet with what was found marked. The hub puts it between brackets; those of the message itself stay. */
function marked(snippet, words) {
  const wanted = tokens(words);
  const isFound = (part) => /^\[.+\]$/s.test(part) && tokens(part).every((token) => wanted.some((word) => token.startsWith(word)));
  return snippet.split(/(\[[^[\]]*\])/).map((part) => (isFound(part) ? h("mark", {}, part.slice(1, -1)) : h("bdi", {}, part)));
}

const tokens = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** The line in the page's head. */
export function searchLine() {
  const words = h("input", { type: "search", placeholder: "Search messages", autocomplete: "off", aria: { label: "Search messages" } });
  const send = (event) => {
    event.preventDefault();
    if (words.value.trim()) show(`search/${words.value.trim()}`);
  };
  return h("form", { role: "search", on: { submit: send } }, words);
}
