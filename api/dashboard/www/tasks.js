// The work: open tasks as a tree, who does each, and those that were just done.

import { change } from "./api.js";
import { cut, h } from "./dom.js";
import { me } from "./me.js";
import { action, agent, attempt, link, Panel } from "./panel.js";
import { ago } from "./time.js";
import { world } from "./world.js";

class Tasks extends Panel {
  heading = "Work";
  listens = ["task", "claim"];
  #rows = new Map();

  tools() {
    return [
      h(
        "form.add",
        {
          on: {
            submit: (event) => {
              event.preventDefault();
              const field = event.target.elements.title;
              const body = field.value.trim();
              if (!body) return;
              attempt(() => change("/v1/messages", { from_agent: me(), kind: "task", body })).then((done) => done && (field.value = ""));
            },
          },
        },
        h("input", { name: "title", placeholder: "New task", autocomplete: "off", aria: { label: "New task" } }),
        h("button", { type: "submit" }, "Add"),
      ),
    ];
  }

  draw() {
    const tasks = [...world.tables.task.values()].sort((one, other) => one.task_id - other.task_id);
    const open = tasks.filter((task) => task.status === "open");
    this.count(open.length);
    this.querySelector("form").hidden = !world.isLive;
    if (!tasks.length) return this.nothing("Nothing is open. Add a task here, or let an agent open one.");
    const claims = new Map(world.leases("claim").map((claim) => [claim.task_message_id, claim]));
    const children = Map.groupBy(tasks, (task) => (world.tables.task.has(String(task.parent_task_id)) ? task.parent_task_id : null));
    const rows = [];
    const before = this.#rows;
    this.#rows = new Map();
    const walk = (parent, depth) => {
      for (const task of children.get(parent) ?? []) {
        rows.push(this.#row(before, task, claims.get(task.task_id) ?? null, depth));
        if (depth < 12) walk(task.task_id, depth + 1);
      }
    };
    walk(null, 0);
    this.keep(rows.slice(-500), (row) => row.task.task_id, make);
  }

  #row(rows, task, claim, depth) {
    const before = rows.get(task.task_id);
    const isSame = before && before.task === task && before.claim === claim && before.depth === depth;
    const row = isSame ? before : { task, claim, depth };
    this.#rows.set(task.task_id, row);
    return row;
  }
}

function make({ task, claim, depth }) {
  const title = h("bdi", {}, task.title ? cut(task.title, 120) : `task ${task.task_id}`);
  if (!task.title) world.titleOf(task).then((text) => text && (title.textContent = cut(text, 120)));
  const holder = task.claimed_by ?? claim?.owner_agent_id ?? null;
  const state = task.state ?? (task.status === "done" ? "done" : holder ? "claimed" : "open");
  const element = h(
    "li.task",
    { data: { state } },
    h("span.state", { title: state, role: "img", aria: { label: state } }),
    link(`task/${task.task_id}`, title),
    task.status === "open" && task.depends_on?.length ? h("span.chip.after", { title: "what it depends on" }, `after ${task.depends_on.join(", ")}`) : null,
    holder ? agent(holder) : null,
    h("span.quiet.right", { title: task.created_at }, ago(task.completed_at ?? task.created_at, world.time)),
    world.isLive ? h("div.does", {}, ...deeds(task)) : null,
  );
  element.style.setProperty("--depth", String(depth));
  return element;
}

/** What can be done with a task: an open one is done, cancelled or assigned; one that is over is opened again. */
export function deeds(task) {
  const decide = (deed, said = {}) => attempt(() => change(`/v1/tasks/${task.task_id}/${deed}`, { agent_id: me(), ...said }));
  const cancel = action("cancel", () => decide("cancel"), "Cancel this task");
  if (task.status !== "open") return [action("reopen", () => decide("reopen"), "Open this task again"), task.state === "failed" ? cancel : null];
  const assign = () => {
    const name = prompt("Who alone is to do it? Nothing: anybody.", task.assignee ?? "");
    return name === null ? null : decide("assign", { assignee: name.trim() || null });
  };
  return [
    action("done", () => decide("complete"), "Complete this task"),
    cancel,
    action("assign", assign, "Say who is to do this task"),
  ];
}

customElements.define("arc-tasks", Tasks);
