/**
 * A unit that has a window of its own: opened by a press, for browsers block others.
 * The window cannot lead this page away: it is cut off from it before it goes anywhere.
 */

/** How often it is looked whether the window is still there. */
const LOOK = 1000;

/** Opens a window there; `onClosed` is called once when it is gone. Null when blocked. */
export function openWindow(address, onClosed) {
  const opened = window.open("about:blank", "_blank");
  if (opened === null) return null;
  opened.opener = null;
  opened.location.replace(address);
  const timer = setInterval(() => {
    if (!opened.closed) return;
    clearInterval(timer);
    onClosed();
  }, LOOK);
  return { focus: () => opened.focus(), close: () => opened.close() };
}
