/**
 * The page that a unit leads to when it is left: tells the player page, which is around
 * it, or in another window. Opened without one, it goes on to where the launch came from.
 */

const { launch, return_url: back } = JSON.parse(document.getElementById("left").textContent);
/** An open player page answers at once. */
const PATIENCE = 1500;
const message = { type: "rollcall.returned", launch };

if (window.top !== window) {
  // The player page around it has the way out.
  document.querySelector(".actions")?.remove();
  window.top.postMessage(message, window.location.origin);
} else {
  const channel = new BroadcastChannel(`rollcall.returned.${launch}`);
  const onward = setTimeout(() => {
    if (back) window.location.replace(back);
  }, PATIENCE);
  channel.onmessage = ({ data }) => {
    if (data?.type !== "rollcall.seen") return;
    clearTimeout(onward);
    window.close();
  };
  channel.postMessage(message);
}
