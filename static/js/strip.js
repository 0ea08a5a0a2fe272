/* The call strip: what rings is said at once, what somebody else took is told, and the strip stays within
   reach while a dialog lies over the page: it moves into the dialog, because all else is out of reach then.
   Answering leads to the call's page; where something is typed that nothing keeps, the page stays. */

import { announce } from "./announce.js";
import { serverNow } from "./countdown.js";
import { refreshRegions, unsaved } from "./live.js";

const LATE_MS = 120000;
const strip = document.getElementById("calls");
const place = document.getElementById("calls-place");
let ringing = new Map(); // id → words

function rings() {
  return new Map([...strip.querySelectorAll("[data-ringing]")].map((chip) => [chip.dataset.ringing, chip.dataset.spoken]));
}

function tell() {
  const now = rings();
  for (const [id, words] of now) if (!ringing.has(id)) announce(words, { now: true });
  const mine = new Set([...strip.querySelectorAll(".call:not(.ring)")].map((chip) => chip.id));
  for (const id of ringing.keys()) {
    if (now.has(id) || mine.has(`call-${id}`)) continue;
    announce(strip.querySelector(`[data-taken="${CSS.escape(id)}"]`)?.textContent ?? "The caller rang off.");
  }
  ringing = now;
}

function late() {
  for (const chip of strip.querySelectorAll("[data-held]")) {
    chip.classList.toggle("late", serverNow() - Date.parse(chip.dataset.held) >= LATE_MS);
  }
}

/* What is typed on this page and kept nowhere else. */
function typedAndNotKept() {
  return [...document.querySelectorAll("main :is(input, textarea, select), dialog[open] :is(input, textarea, select)")]
    .some((field) => field.form && !strip.contains(field) && !field.form.matches("[data-draft-key], [data-autosave], [role=search]") && unsaved(field));
}

/* The strip goes into the dialog that lies over the page, and back. */
function follow() {
  const over = [...document.querySelectorAll("dialog[open]")].pop();
  const home = over ?? place;
  if (!home || strip.parentElement === home) return;
  const focus = strip.contains(document.activeElement) ? document.activeElement.id : "";
  strip.classList.toggle("over", Boolean(over));
  place.style.minHeight = over ? `${place.offsetHeight}px` : ""; // What lies behind does not jump.
  if (over) {
    const box = place.getBoundingClientRect();
    strip.style.setProperty("--left", `${box.left}px`);
    strip.style.setProperty("--width", `${box.width}px`);
    strip.style.setProperty("--top", `${box.top}px`);
  }
  home.append(strip);
  if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
}

function start() {
  strip.addEventListener("live:swapped", () => {
    tell();
    late();
  });
  // A moment later: the server decides by its own clock whether the time for the note is over.
  strip.addEventListener("expired", () => setTimeout(() => refreshRegions("calls"), 1200));
  strip.addEventListener("htmx:configRequest", (event) => {
    if (event.target.matches("[data-takes-over]") && typedAndNotKept()) event.detail.parameters.stay = "1";
  });
  if (place) {
    const watch = new MutationObserver(follow);
    for (const dialog of document.querySelectorAll("dialog")) watch.observe(dialog, { attributes: true, attributeFilter: ["open"] });
  }
  setInterval(late, 1000);
  ringing = rings();
  late();
}

document.addEventListener("callRefused", (event) => announce(event.detail?.value ?? "", { now: true }));
if (strip) start();
