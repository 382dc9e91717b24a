// The page: its parts, its state at the top, its theme, and where it begins.

import "./attention.js";
import "./engine.js";
import "./questions.js";
import "./sessions.js";
import "./tasks.js";
import "./leases.js";
import "./queue.js";
import "./messages.js";
import "./log.js";
import "./details.js";
import "./palette.js";
import "./scrubber.js";
import { focusPanel } from "./palette.js";
import { cut, fill } from "./dom.js";
import { show } from "./panel.js";
import { read } from "./api.js";
import { searchLine } from "./search.js";
import { world } from "./world.js";

const SAID = {
  loading: "loading …",
  live: "live",
  past: "the past",
  reconnecting: "the hub does not answer; trying again …",
  failed: "the hub does not answer",
};

function theme() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("arc.theme", next);
}

function begin() {
  const kept = localStorage.getItem("arc.theme");
  if (kept) document.documentElement.dataset.theme = kept;
  else if (matchMedia("(prefers-color-scheme: dark)").matches) document.documentElement.dataset.theme = "dark";
  document.getElementById("go").before(searchLine());
  document.addEventListener("arc-theme", theme);
  document.getElementById("theme").addEventListener("click", theme);
  document.getElementById("go").addEventListener("click", () => document.querySelector("arc-palette").open());
  for (const tab of document.querySelectorAll("nav button")) tab.addEventListener("click", () => focusPanel(document.querySelector(tab.dataset.panel)));
  const state = document.getElementById("state");
  let open = false;
  const tell = () => {
    const damaged = world.health?.status === "damaged";
    state.dataset.state = damaged || world.troubles.length ? "damaged" : world.state;
    const warnings = [damaged && "the log is damaged: run arc log verify", !damaged && world.troubles.length && cut(world.troubles[0], 80), open && "anybody on the network may call, without a token"];
    fill(state, [SAID[world.state], ...warnings.filter(Boolean)].join(" – "));
  };
  world.addEventListener("state", tell);
  world.addEventListener("moment", tell);
  world.addEventListener("shown", tell);
  read("/v1/hub-info")
    .then((info) => {
      fill(document.getElementById("hub"), info.storage_path.split(/[/\\]/).at(-2) || info.storage_path);
      open = info.authentication === "none";
      tell();
    })
    .catch(() => {});
  const asked = new URLSearchParams(location.hash.slice(1));
  const event = Number(asked.get("event"));
  (event ? world.goLive().then(() => world.goTo(event)) : world.goLive()).then(() => asked.get("show") && show(asked.get("show")));
  addEventListener("hashchange", () => {
    const wanted = new URLSearchParams(location.hash.slice(1));
    if (wanted.get("show")) show(wanted.get("show"));
    else if (wanted.get("event")) world.goTo(Number(wanted.get("event")));
  });
}

begin();
