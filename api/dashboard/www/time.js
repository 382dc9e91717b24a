// Times as people read them, and the one clock of the page: the hub's, as its answers tell it.

let ahead = 0; // by how many milliseconds the hub's clock is ahead of this machine's

/** Take the hub's time from something that it has just said. */
export function learn(timestamp) {
  const said = Date.parse(timestamp);
  if (!Number.isNaN(said)) ahead = said - Date.now();
}

/** The hub's time in milliseconds since 1970. */
export const now = () => Date.now() + ahead;

const two = (number) => String(number).padStart(2, "0");

/** The time of day; with the date where it is not today's. Hundreds of rows have one, so a date in words is made rarely. */
export function clock(timestamp) {
  const at = new Date(timestamp);
  if (Number.isNaN(at.getTime())) return String(timestamp);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return at.toDateString() === new Date(now()).toDateString() ? time : `${at.toLocaleDateString()} ${time}`;
}

/** A duration in its two greatest units: `3 min 20 s`. */
export function lasting(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min${seconds % 60 ? ` ${seconds % 60} s` : ""}`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h${Math.floor((seconds % 3600) / 60) ? ` ${Math.floor((seconds % 3600) / 60)} min` : ""}`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** How long ago something was, as seen at `at` (milliseconds). */
export const ago = (timestamp, at) => `${lasting(at - Date.parse(timestamp))} ago`;
