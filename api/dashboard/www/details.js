// Everything about one thing: how it stands, its history, an event in full with what it changed, what an agent could see.

import { read } from "./api.js";
import { cut, fill, h } from "./dom.js";
import { freeAction } from "./leases.js";
import { me } from "./me.js";
import { action, agent, link } from "./panel.js";
import { hits } from "./search.js";
import { wakeAction } from "./sessions.js";
import { deeds } from "./tasks.js";
import { clock } from "./time.js";
import { world } from "./world.js";

const LOOKED_AT = 500; // events and messages that are read to tell what happened between two moments

class Details extends HTMLElement {
  connectedCallback() {
    this.title_ = h("h2", { id: "details-title", tabindex: "-1" });
    this.content = h("div.body");
    this.dialog = h("dialog", { aria: { labelledby: "details-title" } }, h("header", {}, this.title_, h("button", { type: "button", aria: { label: "Close" }, on: { click: () => this.dialog.close() } }, "✕")), this.content);
    this.append(this.dialog);
    this.dialog.addEventListener("close", () => {
      if (location.hash.startsWith("#show=")) history.replaceState(null, "", world.isLive ? location.pathname : `#event=${world.at}`);
    });
    document.addEventListener("arc-show", ({ detail }) => this.show(detail));
    document.addEventListener("arc-between", ({ detail }) => this.#between(detail));
  }

  async show(entity) {
    const slash = entity.indexOf("/");
    const noun = entity.slice(0, slash);
    const key = entity.slice(slash + 1);
    history.replaceState(null, "", `#show=${encodeURIComponent(entity)}`);
    this.#open(noun === "event" ? `Event ${key}` : noun === "search" ? `Messages with ${key}` : `${noun} ${key}`);
    try {
      fill(this.content, ...(noun === "event" ? await inFull(Number(key)) : await life(noun, key)));
    } catch (error) {
      fill(this.content, h("p.error", {}, error.message));
    }
  }

  #open(title) {
    fill(this.title_, h("bdi", {}, cut(title, 120)));
    fill(this.content, h("p.nothing", {}, "Loading …"));
    if (!this.dialog.open) this.dialog.showModal();
    this.title_.focus();
  }

  /** What happened between two events: the digest, the messages, and what else there was how often. */
  async #between({ from, to }) {
    this.#open(`From event ${from} to ${to}`);
    const [digest, events, messages] = await Promise.all([
      read("/v1/digest", { agent_id: me(), since: from, as_of: to, max_chars: 4000 }).catch(() => null),
      read("/v1/log", { tail: 1, limit: LOOKED_AT, as_of: to }),
      read("/v1/log", { type: "message.posted", tail: 1, limit: LOOKED_AT, as_of: to }),
    ]);
    const since = events.filter((event) => event.event_id > from);
    const kinds = Map.groupBy(since, (event) => event.type);
    const said = messages.filter((event) => event.event_id > from);
    fill(
      this.content,
      h("h3", {}, "What concerns you"),
      digest?.lines.length ? h("ul.digest", {}, digest.lines.map((line) => h("li", { data: { kind: line.kind } }, link(`event/${line.event_id}`, h("bdi", {}, line.text))))) : h("p.nothing", {}, "Nothing."),
      digest?.left_out ? h("p.quiet", {}, `and ${digest.left_out} more`) : null,
      h("h3", {}, "What was said", said.length === LOOKED_AT ? `, the last ${LOOKED_AT} messages` : ""),
      said.length ? h("ol", {}, said.map((event) => h("li", {}, agent(event.actor), " ", link(`event/${event.event_id}`, h("bdi", {}, cut(event.data?.body ?? "", 160)))))) : h("p.nothing", {}, "Nothing."),
      h("h3", {}, `${to - from} events`, since.length < to - from ? `, of which the last ${since.length}:` : ""),
      h("ul", {}, [...kinds].sort((one, other) => other[1].length - one[1].length).map(([type, of]) => h("li", {}, `${of.length} × ${type} by `, [...new Set(of.map((event) => event.actor))].slice(0, 8).map((name) => [name === "system" ? name : agent(name), " "])))),
    );
  }
}

async function inFull(eventId) {
  const { event, changes } = await read(`/v1/log/${eventId}`);
  return [
    h("p", {}, h("span.type", {}, event.type), " by ", event.actor === "system" ? "system" : agent(event.actor), `, ${clock(event.recorded_at)}`, event.damaged ? h("strong.error", {}, " This event is not what was recorded.") : null),
    h("p.actions", {}, action("show this moment", () => world.goTo(eventId)), action("the moment before", () => world.goTo(eventId - 1)), event.actor === "system" ? null : action("what the agent could see", () => document.dispatchEvent(new CustomEvent("arc-show", { detail: `sight/${event.actor}@${eventId - 1}` }))), action(`history of ${cut(event.stream, 40)}`, () => document.dispatchEvent(new CustomEvent("arc-show", { detail: event.stream })))),
    h("h3", {}, "What happened"),
    h("pre", {}, JSON.stringify(event.data, null, 2)),
    changes?.length ? h("h3", {}, "What it changed") : null,
    (changes ?? []).map(({ entity, before, after }) => h("details", { open: true }, h("summary", {}, link(entity, entity)), h("pre.change", {}, ...difference(before, after)))),
    h("h3", {}, "How it came"),
    h("pre", {}, JSON.stringify(event.metadata, null, 2)),
    event.digest ? h("p.quiet", {}, `digest ${event.digest}`) : null,
  ];
}

/** What of a row changed, and what it was; the whole row where it is new or gone. */
function difference(before, after) {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names.flatMap((name) => {
    const then = JSON.stringify(before?.[name]);
    const now = JSON.stringify(after?.[name]);
    if (then === now) return [];
    return [before ? h("del", {}, `- ${name}: ${then ?? "nothing"}\n`) : null, after ? h("ins", {}, `+ ${name}: ${now ?? "nothing"}\n`) : null];
  });
}

async function life(noun, key) {
  if (noun === "sight") return sight(key);
  if (noun === "search") return hits(key);
  if (noun === "place") return place(Number(key));
  if (noun === "receipt") return receipt(Number(key));
  if (noun === "message") return inFull(Number(key));
  const stream = noun === "question" ? `task/${key}` : `${noun}/${key}`;
  const found = world.find(noun, key);
  const rows = found.length ? found : [(await closed(noun, key)) ?? []].flat();
  const events = await read("/v1/log", { stream, tail: 1, limit: 200, ...world.moment });
  const did = noun === "session" ? await read("/v1/log", { actor: key, tail: 1, limit: 100, ...world.moment }) : [];
  return [
    rows.length ? rows.map((row) => [facts(row), world.isLive ? h("p.actions", {}, ...actions(noun, row)) : null]) : !world.tables[noun] ? null : h("p.nothing", {}, "Not there at this moment."),
    noun === "session" ? h("p.actions", {}, action("what it was told", () => document.dispatchEvent(new CustomEvent("arc-room", { detail: { kind: "inbox", name: key } }))), world.isLive && rows.length ? wakeAction(key) : null, action("what it can see", () => document.dispatchEvent(new CustomEvent("arc-show", { detail: `sight/${key}@${world.at ?? world.head}` })))) : null,
    events.length ? [h("h3", {}, "Its history"), timeline(events)] : null,
    did.length ? [h("h3", {}, "What it did"), timeline(did)] : null,
  ];
}

/** What an operator can do with it. */
function actions(noun, row) {
  if (noun === "task") return deeds(row);
  return (noun === "lock" || noun === "claim") && Date.parse(row.expires_at) >= world.time ? [freeAction(noun, row)] : [];
}

/** A task or question that is not open, and so in no table of the page. */
async function closed(noun, key) {
  return noun === "task" || noun === "question" ? read(`/v1/${noun}s/${key}`, world.moment).catch(() => null) : null;
}

/** The fields of a row that say something. */
function facts(row) {
  const said = Object.entries(row).filter(([, value]) => value !== null && value !== "" && JSON.stringify(value) !== "{}" && JSON.stringify(value) !== "[]");
  return h("dl.facts", {}, said.map(([name, value]) => [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, valued(value))]));
}

function valued(value) {
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return h("time", { title: value }, clock(value));
  return h("bdi", {}, typeof value === "object" ? JSON.stringify(value) : value);
}

function timeline(events) {
  return h("ol.timeline", {}, events.toReversed().map((event) => h("li", {}, link(`event/${event.event_id}`, `${event.event_id}`), " ", h("span.quiet", {}, clock(event.recorded_at)), " ", h("span.type", {}, event.type), " ", event.actor === "system" ? "system" : agent(event.actor))));
}

/** Somebody's place in a queue: what is waited for, and who comes first. */
async function place(placeId) {
  const lists = await Promise.all(["/v1/locks/queue", "/v1/claims/queue"].map((base) => read(base, world.moment)));
  const row = lists.flat().find((one) => one.place === placeId);
  if (!row) return [h("p.nothing", {}, "Nobody waits there at this moment."), h("p.actions", {}, action("the event", () => document.dispatchEvent(new CustomEvent("arc-show", { detail: `event/${placeId}` }))))];
  return [
    h("p", {}, agent(row.agent_id), ` is number ${row.position} in its turn, and waits for `, row.ahead.length ? row.ahead.map((name) => [agent(name), " "]) : "nobody"),
    h("ul", {}, row.keys.map((one) => h("li", {}, link(`${row.noun}/${one}`, h("bdi", {}, one))))),
    h("p.quiet", {}, `since ${clock(row.queued_at)}; the place ends at ${clock(row.expires_at)} unless it goes on waiting`),
  ];
}

/** Whether a message was acknowledged by the one it was sent to. */
async function receipt(messageId) {
  const [row] = await read(`/v1/messages/${messageId}/receipts`, world.moment);
  if (!row) return [h("p.nothing", {}, "It asks for no acknowledgement.")];
  const by = row.how === "reply" ? "answered" : "acknowledged";
  const stands = row.acknowledged_at ? ` ${by} it at ${clock(row.acknowledged_at)}.` : row.overdue ? ` has not acknowledged it, and the time is over.` : ` has not acknowledged it yet.`;
  return [
    h("p", {}, agent(row.to_agent), stands),
    h("p.quiet", {}, `asked for by ${row.from_agent} at ${clock(row.asked_at)}${row.ack_by ? `, by ${clock(row.ack_by)}` : ""}`),
    h("p.actions", {}, action("the message", () => document.dispatchEvent(new CustomEvent("arc-show", { detail: `event/${messageId}` })))),
  ];
}

/** What an agent could see right after an event. */
async function sight(place) {
  const at = Number(place.slice(place.lastIndexOf("@") + 1));
  const agentId = place.slice(0, place.lastIndexOf("@"));
  const messages = await read("/v1/inbox/" + encodeURIComponent(agentId), { tail: 1, limit: 50, as_of: at });
  const broad = await read("/v1/messages", { channel: "general", tail: 1, limit: 50, as_of: at });
  const rows = [...messages, ...broad].sort((one, other) => other.id - one.id);
  return [h("p", {}, "What ", agent(agentId), ` could read right after event ${at}, newest first:`), h("ol", {}, rows.map((row) => h("li", {}, agent(row.from_agent), row.to_agent ? " (to it alone)" : ` in #${row.channel}`, " ", link(`event/${row.id}`, h("bdi", {}, cut(row.body, 200))))))];
}

customElements.define("arc-details", Details);
