/* Says things to screen readers through the page's two live regions, and shows the state of saving.
   The server speaks through HX-Trigger: {"announce": "Booked"}, {"saved": "10:42"}. */

export function announce(text, { now = false } = {}) {
  const region = document.getElementById(now ? "say-now" : "say");
  if (!region) return;
  region.textContent = "";
  // A region that is filled in the same breath as it is emptied is not read again.
  setTimeout(() => { region.textContent = text; }, 60);
}

export function saveState(text, off = false) {
  const spot = document.querySelector("[data-save-state]");
  if (!spot) return;
  spot.querySelector("span").textContent = text;
  spot.classList.toggle("is-off", off);
}

document.addEventListener("announce", (event) => announce(event.detail?.value ?? String(event.detail ?? "")));
document.addEventListener("saved", (event) => saveState(`Saved ${event.detail?.value ?? ""}`.trim()));
