// Who acts from this page: a name of the operator's own, kept in this browser.

const KEY = "arc.operator";

/** The operator's name, which actions are done by. */
export const me = () => localStorage.getItem(KEY) ?? "human";

/** Take another name. */
export function call(name) {
  localStorage.setItem(KEY, name);
}
