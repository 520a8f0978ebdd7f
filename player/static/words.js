/** What the learner reads about their work: pure, so that every case is tested. */

const some = (count) => `${count} not yet sent`;

/** The line in the bar. `time` makes a clock time of milliseconds since 1970. */
export function savedText({ state, waiting = 0, savedAt = null }, time) {
  switch (state) {
    case "saved":
      return savedAt === null ? "Nothing to save yet" : `Saved ${time(savedAt)}`;
    case "saving":
      return "Saving";
    case "waiting":
      return waiting > 0 ? some(waiting) : "Trying again";
    case "offline":
      return waiting > 0 ? `Offline, ${some(waiting)}` : "Offline";
    case "signed_out":
      return waiting > 0 ? `Signed out, ${some(waiting)}` : "Signed out";
    case "superseded":
      return "Open elsewhere";
    case "failed":
    case "refused":
      return "Not saving";
    default:
      return "Opening";
  }
}

/** What a screen reader is told; only turns for the worse and back are said aloud. */
export function announcement(before, after) {
  const trouble = (state) => ["waiting", "offline", "signed_out"].includes(state);
  if (after.state === before.state) return null;
  if (after.state === "saved" && trouble(before.trouble)) return "All your work is saved.";
  if (after.state === "offline") {
    return "You are offline. Your work is kept on this computer and sent later.";
  }
  if (after.state === "signed_out") {
    return "You are signed out. Your work is kept on this computer.";
  }
  return null;
}

/** How far a unit is, in a word; how it went is told of post-tests alone. */
export function unitText({ completion, success = "unknown", current = false, open = true }) {
  if (success === "passed") return "Passed";
  if (success === "failed") return "Not passed";
  if (completion === "completed") return "Done";
  if (current) return "Open now";
  if (!open) return "Locked";
  return completion === "incomplete" ? "Begun" : "";
}

/** Time spent in the course, as people say it; nothing in the first minute. */
export function spentText(seconds) {
  const minutes = Math.floor(Math.max(0, seconds) / 60);
  if (minutes < 1) return "";
  if (minutes < 60) return `${minutes} min so far`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest > 0 ? ` ${rest} min` : ""} so far`;
}

/** How many units are done, behind "Unit 2 of 5". */
export function doneText(done) {
  return done > 0 ? `, ${done} done` : "";
}

/** What is said when a unit has ended; `completion` as the server has it. */
export function endText({ completion, hasNext }) {
  if (completion === "completed" || completion === undefined) {
    return hasNext
      ? "This unit is finished."
      : "This unit is finished. You can look around in it or exit.";
  }
  return (
    "This unit has ended and is not complete yet: it did not report that you finished it. " +
    "Open it again to do the rest. If you did all of it, tell your training manager."
  );
}

/** The card of a unit that is in a window of its own: title, text, label of its button. */
export function windowText(state) {
  switch (state) {
    case "blocked":
      return [
        "Your browser blocked the window",
        "Allow windows for this site, then press the button again.",
        "Open unit",
      ];
    case "open":
      return [
        "The unit is open in a window of its own",
        "Leave this page open while you work there. Come back here when you are done.",
        "Go to the unit",
      ];
    case "closed":
      return [
        "The unit's window is closed",
        "What you did in it is recorded as far as the unit has reported it.",
        "Open it again",
      ];
    case "left":
      return [
        "You have left the unit",
        "What you did in it is recorded.",
        "Open it again",
      ];
    default:
      return [
        "This unit opens in a window of its own",
        "Press the button to open it. This page stays open beside it.",
        "Open unit",
      ];
  }
}

/** The question at the exit, when not everything has arrived. */
export function leaveText(waiting) {
  const what = waiting === 1 ? "1 change is" : `${waiting} changes are`;
  return (
    `${what} kept on this computer, not on the server yet. ` +
    "They are sent when you next open this course here."
  );
}

/** Why a unit may stay empty: for the learner to pass on. Nothing when it has all. */
export function lackingText({ missing, hosts }) {
  const tell = "Tell your training manager.";
  if (Array.isArray(hosts) && hosts.length > 0) {
    const names = hosts.slice(0, 3).map(String).join(", ");
    return `This unit wants to load parts from other sites (${names}), which is not allowed here, so it may not work. ${tell}`;
  }
  if (!(missing > 0)) return null;
  const files = missing === 1 ? "1 file of this unit is" : `${missing} files of this unit are`;
  return `${files} missing from its package, so parts of it may not work. ${tell}`;
}
