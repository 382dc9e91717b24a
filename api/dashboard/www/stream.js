// The one stream of the page: the log as server-sent events, each with the rows that it changed.

/**
 * Follows the log. After a gap the browser asks again with the last id that it saw, so nothing is missed.
 *
 * @param {number} after the event to go on after.
 * @param {object} told `events(list)` gets what arrived, in order; `state(text)` is told `live`, `reconnecting` or
 *   `over` (the hub takes that cursor no more: it was restored or replaced).
 * @returns {function} ends it.
 */
export function follow(after, told) {
  let source = null;
  let seen = after;
  let waiting = [];
  let timer = 0;
  const flush = () => {
    const events = waiting;
    waiting = [];
    if (events.length) told.events(events);
  };
  const open = () => {
    source = new EventSource(`/v1/log/stream?changes=1&after=${seen}`);
    source.onopen = () => told.state("live");
    source.onmessage = (message) => {
      const event = JSON.parse(message.data);
      if (event.event_id <= seen) return;
      seen = event.event_id;
      if (!waiting.length) requestAnimationFrame(flush);
      waiting.push(event);
    };
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return told.state("reconnecting");
      // Refused outright: ask why before trying again.
      told.state("reconnecting");
      fetch("/v1/health", { cache: "no-store" })
        .then((answer) => answer.json())
        .then((answer) => (answer.result.head < seen ? told.state("over") : (timer = setTimeout(open, 1000))))
        .catch(() => (timer = setTimeout(open, 1000)));
    };
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
