// What a person was asked: the options as buttons, a line for any other answer. The asker waits for it.

import { change } from "./api.js";
import { cut, h, keep } from "./dom.js";
import { me } from "./me.js";
import { action, agent, attempt, link, Panel } from "./panel.js";
import { ago } from "./time.js";
import { world } from "./world.js";

class Questions extends Panel {
  heading = "Questions to you";
  listens = ["question"];

  draw() {
    const rows = [...world.tables.question.values()].sort((one, other) => other.urgent - one.urgent || one.question_id - other.question_id);
    this.hidden = !rows.length;
    this.count(rows.length);
    keep(this.list(), rows, (row) => row.question_id, make);
  }
}

function make(row) {
  const answer = (text) => attempt(() => change(`/v1/questions/${row.question_id}/answer`, { agent_id: me(), answer: text }), `answered: ${cut(text, 60)}`);
  const other = h("input", { placeholder: row.options.length ? "another answer" : "your answer", autocomplete: "off", aria: { label: `Answer to question ${row.question_id}` }, data: { focus: "answer" } });
  const send = (event) => {
    event.preventDefault();
    if (other.value.trim()) answer(other.value.trim());
  };
  return h(
    "li.question",
    {},
    h("div.line", {}, agent(row.asker), row.urgent ? h("span.chip.kind", {}, "urgent") : null, row.for_task_id ? link(`task/${row.for_task_id}`, `for task ${row.for_task_id}`) : null, h("span.quiet.right", { title: row.asked_at }, ago(row.asked_at, world.time))),
    h("p.asked", {}, link(`question/${row.question_id}`, h("bdi", {}, cut(row.body, 1000)))),
    row.default === null ? null : h("p.quiet", {}, "Without an answer: ", h("bdi", {}, cut(row.default, 120)), row.deadline ? `, from ${row.deadline.slice(11, 19)} UTC on` : ""),
    world.isLive ? h("form.answers", { on: { submit: send } }, row.options.map((option) => action(cut(option, 60), () => answer(option))), other, h("button", { type: "submit" }, "Answer")) : null,
  );
}

customElements.define("arc-questions", Questions);
