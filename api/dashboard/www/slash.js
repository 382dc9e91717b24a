// The commands that may be typed where messages are typed; Arc 0.1.1's among them.

import { change, read } from "./api.js";
import { call, me } from "./me.js";
import { show } from "./panel.js";
import { callAgent } from "./sessions.js";
import { world } from "./world.js";

const number = (text, name) => {
  if (!/^\d+$/.test(text)) throw new Error(`${name} must be a number`);
  return Number(text);
};

export const COMMANDS = {
  nick: ["NAME", "act by another name", async (_, panel, { given }) => (need(given, "/nick NAME"), call(given), panel.draw(), `you are ${given} now`)],
  channels: ["", "list the channels", async () => [...world.tables.channel.keys()].sort().map((name) => `#${name}`).join(" ")],
  channel: ["NAME", "show a channel", async ([name], panel) => (need(name, "/channel NAME"), panel.enter({ kind: "channel", name: name.replace(/^#/, "") }))],
  thread: ["ID", "show a thread", async ([name], panel) => (need(name, "/thread ID"), panel.enter({ kind: "thread", name }))],
  inbox: ["AGENT", "show what was said to an agent", async ([name], panel) => panel.enter({ kind: "inbox", name: name ?? me() })],
  dm: [
    "AGENT TEXT",
    "say something to one agent",
    async ([to], _, { rest }) => {
      need(rest, "/dm AGENT TEXT");
      await change("/v1/messages", { from_agent: me(), to_agent: to, body: rest });
      return `sent to ${to}`;
    },
  ],
  "create-channel": [
    "NAME",
    "make a channel",
    async ([name], panel) => {
      need(name, "/create-channel NAME");
      const plain = name.replace(/^#/, "");
      await change("/v1/channels", { name: plain, created_by: me() });
      panel.enter({ kind: "channel", name: plain });
    },
  ],
  wake: [
    "AGENT",
    "have an agent called that may be idle",
    async ([name]) => {
      need(name, "/wake AGENT");
      await callAgent(name);
      return `${name} is called`;
    },
  ],
  task: [
    "TEXT",
    "open a task",
    async (_, __, { given }) => {
      need(given, "/task TEXT");
      const { result } = await change("/v1/messages", { from_agent: me(), kind: "task", body: given });
      return `task ${result.id} is open`;
    },
  ],
  search: ["WORDS", "find messages", async (words) => (need(words.length, "/search WORDS"), show(`search/${words.join(" ")}`))],
  answer: [
    "QUESTION TEXT",
    "answer a question",
    async ([id], _, { rest }) => {
      need(rest, "/answer QUESTION TEXT");
      await change(`/v1/questions/${number(id, "the question")}/answer`, { agent_id: me(), answer: rest });
      return `answered question ${id}`;
    },
  ],
  done: ["TASK", "complete a task", async ([id]) => (await change(`/v1/tasks/${number(id ?? "", "the task")}/complete`, { agent_id: me() }), `task ${id} is done`)],
  network: [
    "on|off",
    "take calls from other machines, or no longer",
    async ([wanted]) => {
      need(["on", "off"].includes(wanted), "/network on|off");
      const { result } = await change("/v1/network", { allow_remote: wanted === "on" });
      return `calls from other machines are ${result.allow_remote ? "on" : "off"}`;
    },
  ],
  quit: ["[SECONDS]", "stop the hub after a while (60 s)", async ([delay]) => stop(delay)],
  exit: ["[SECONDS]", "the same", async ([delay]) => stop(delay)],
  cancel: ["", "call the pending stop off", async () => (await change("/v1/shutdown/cancel"), "the hub stays")],
  at: ["EVENT", "show how things stood right after an event", async ([id]) => world.goTo(number(id ?? "", "the event"))],
  live: ["", "go back to now", async () => world.goLive()],
  help: ["", "list the commands", async () => Object.entries(COMMANDS).map(([name, [takes]]) => `/${name} ${takes}`.trim()).join("   ")],
};

function need(given, usage) {
  if (!given) throw new Error(`write it as ${usage}`);
}

async function stop(delay = "60") {
  await change("/v1/shutdown", { delay_sec: number(delay, "the delay") });
  return `the hub stops in ${delay} s; /cancel calls it off`;
}

/**
 * Run what was typed after a slash; gives what is to be said of it.
 *
 * A command is given its words, the panel, and the text itself, with its spaces and lines: `given` is all of it, `rest`
 * what stands after the first word.
 */
export async function run(text, panel) {
  const [name, ...words] = text.slice(1).trim().split(/\s+/);
  const command = COMMANDS[name.toLowerCase()];
  if (!command) throw new Error(`there is no /${name}; /help lists the commands`);
  const given = text.slice(1).trim().slice(name.length).trim();
  return command[2](words, panel, { given, rest: given.replace(/^\S+\s*/, "") });
}

/** Whether a stop of the hub is pending, and in how many seconds it comes; null if none is. */
export const pendingStop = () => read("/v1/shutdown");
