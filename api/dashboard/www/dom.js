// Making elements, and keeping a list of them in step with a list of rows. Text only ever becomes text: nothing that
// comes from the hub is parsed as HTML, and what a reader could not see is shown by its code.

// Characters that change how text around them is shown, or are not shown at all (Unicode's bidi controls, zero-width
// characters, the C0 and C1 controls but for tab and line feed).
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0]/g;

/** The text with a visible mark for every character that would not be seen. */
export function seen(text) {
  return String(text).replace(UNSEEN, (char) => `⟨${char.codePointAt(0).toString(16).padStart(4, "0")}⟩`);
}

/** The first `most` characters of a text, and an ellipsis where there was more. */
export function cut(text, most) {
  const whole = seen(text);
  return whole.length > most ? `${whole.slice(0, most - 1)}…` : whole;
}

/**
 * An element.
 *
 * @param {string} tag its name, with classes after dots: `span.dot.live`.
 * @param {object} [properties] `on` holds listeners by event, `data` data attributes, `aria` ARIA attributes; any other
 *   is an attribute, left out when null or false.
 * @param {...(Node|string|number|null|undefined|Array)} children a string becomes text.
 */
export function h(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "aria") for (const [aria, said] of Object.entries(value)) element.setAttribute(`aria-${aria}`, said);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, seen(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : seen(child));
  }
}

/** Put other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/**
 * Keep the children of `parent` in step with `rows`: a row that is the same object keeps its element, focus and
 * scrolling included; one that is new or other gets a new one.
 *
 * @param {Element} parent holds nothing else.
 * @param {Array} rows what to show, in this order.
 * @param {function} key names a row.
 * @param {function} make gives the element of a row.
 */
export function keep(parent, rows, key, make) {
  const before = parent.kept ?? new Map();
  const after = new Map();
  let place = parent.firstChild;
  for (const row of rows) {
    const name = key(row);
    const old = before.get(name);
    const element = old && old.row === row ? old.element : make(row);
    if (old && old.element !== element) {
      const focused = old.element.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
      if (place === old.element) place = place.nextSibling;
      old.element.replaceWith(element);
      if (focused) element.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
    }
    if (element === place) place = place.nextSibling;
    else parent.insertBefore(element, place);
    after.set(name, { row, element });
  }
  for (const [name, { element }] of before) if (!after.has(name)) element.remove();
  parent.kept = after;
}

/**
 * Keep a reader who is at the end of a scrolling element there: when rows come, and when the element gets another height.
 *
 * @returns {object} `isWanted`, whether the reader is there; `settle(now)` after rows were put in, `now` to go there in
 *   any case.
 */
export function stayAtEnd(element) {
  const end = {
    isWanted: true,
    settle(isForced = false) {
      end.isWanted ||= isForced;
      requestAnimationFrame(() => end.isWanted && (element.scrollTop = element.scrollHeight));
    },
  };
  let height = 0;
  element.addEventListener("scroll", () => {
    if (element.clientHeight === height) end.isWanted = element.scrollHeight - element.scrollTop - element.clientHeight < 48;
  });
  new ResizeObserver(() => ((height = element.clientHeight), end.settle())).observe(element);
  return end;
}

/** A function that runs `work` once in the next frame, however often it is called until then. */
export function eachFrame(work) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      work();
    });
  };
}
