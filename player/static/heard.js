/**
 * What the server has heard of a unit that speaks to it by itself. Nothing of such a unit
 * passes through this page, so the page asks.
 */

/** How often it is asked while the unit is open, and while it is being left. */
const BETWEEN = 15_000;
const BETWEEN_LAST = 400;

const later = (ms) => new Promise((done) => setTimeout(done, ms));

/** `{state, completion}`, or null where it cannot be known now. */
export async function heardOf(launch, token) {
  try {
    const answer = await fetch(`/launches/${launch}/heard`, {
      headers: { Authorization: `Bearer ${token.current}` },
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(BETWEEN),
    });
    return answer.status === 200 ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** Tells `onHeard` what is heard, again and again until the unit is over. */
export async function follow(launch, token, { isDone, onHeard }) {
  while (!isDone()) {
    await later(BETWEEN);
    if (isDone()) return;
    const heard = document.hidden ? null : await heardOf(launch, token);
    if (heard === null || isDone()) continue;
    onHeard(heard);
    if (heard.state === "over") return;
  }
}

/** Settles when a unit that was at work has said its last word, or after a while. */
export async function untilOver(launch, token, patience) {
  const until = Date.now() + patience;
  for (;;) {
    const heard = await heardOf(launch, token);
    if (heard?.state !== "running" || Date.now() > until) return;
    await later(BETWEEN_LAST);
  }
}
