/* The day's board: one tab stop, arrows between visits and free times, the panel of the selected visit, Move mode,
   and a board that stays put while other people change it. Without this file it is a list of links. */

import { announce } from "./announce.js";
import { board, columns, idOf, isAlso, isDrawn, isFree, isVisit, nearest, startOf, stops } from "./board_grid.js";
import { moveKey, moving, say, startMove, whenMoved } from "./board_move.js";
import { onKey } from "./keys.js";

const DRAWER = matchMedia("(max-width: 1099px)");
const NARROW = matchMedia("(max-width: 719px)");
const OWN_MS = 2500;
const PANEL_KEYS = new Set(["s", "x", "t", "n"]);
const region = document.getElementById("day");
const panel = document.getElementById("visit-panel");
const split = document.getElementById("desk-split");
let selected = "";
let stop = ""; // id of the board's one tab stop
let held = ""; // id of the stop that has the focus
let known = new Map();
let ownUntil = 0;

const card = (id) => document.getElementById(`visit-${id}`);

/* One tab stop (roving tabindex). */
function rove(element) {
  const before = document.getElementById(stop);
  if (element && before?.tabIndex === 0 && isDrawn()) { // only these two change: a board may hold a thousand stops
    before.tabIndex = -1;
    element.tabIndex = 0;
    stop = element.id;
    return;
  }
  const all = stops();
  if (!isDrawn()) { all.forEach((each) => each.removeAttribute("tabindex")); return; }
  const chosen = element ?? before ?? card(selected) ?? atNow() ?? all[0];
  for (const each of all) each.tabIndex = each === chosen ? 0 : -1;
  stop = chosen?.id ?? "";
}

function go(element) {
  if (!element) return;
  rove(element);
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function arrow(from, key) {
  const column = from.closest(".bcol");
  const own = stops(column);
  const at = own.indexOf(from);
  if (key === "ArrowUp") return own[at - 1];
  if (key === "ArrowDown") return own[at + 1];
  if (key === "Home") return own[0];
  if (key === "End") return own.at(-1);
  const all = columns();
  const by = key === "ArrowLeft" ? -1 : 1;
  for (let next = all.indexOf(column) + by; all[next]; next += by) {
    const found = nearest(all[next], startOf(from));
    if (found) return found;
  }
  return null;
}

/* Now. */
const nowLine = () => board()?.querySelector("[data-now-line]");
const nowStep = () => Number(getComputedStyle(nowLine()).getPropertyValue("--s"));
const atNow = () => (nowLine() ? stops().find((element) => startOf(element) >= nowStep() - 3) : null);

function showNow() {
  const line = nowLine();
  if (!line || !isDrawn()) return;
  const top = line.offsetTop - board().clientHeight / 3;
  board().scrollTop = Math.max(0, top);
}

/* The panel. Only a settled one may be worked: before that its forms would leave the page. */
async function show(url) {
  const settled = new Promise((resolve) => panel.addEventListener("htmx:afterSettle", resolve, { once: true }));
  await window.htmx.ajax("GET", url, { target: panel, swap: "innerHTML" });
  await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, 1000))]);
}

async function select(element, { focus = false } = {}) {
  const id = idOf(element);
  const url = element.href;
  selected = id;
  mark();
  panel.dataset.liveUrl = url;
  history.replaceState(history.state, "", `#visit-${id}`);
  await show(url);
  if (selected !== id) return;
  split.dataset.open = "";
  if (focus || DRAWER.matches) {
    const heading = panel.querySelector("h2");
    if (heading) { heading.tabIndex = -1; heading.focus({ preventScroll: true }); }
  }
}

function mark() {
  board()?.querySelectorAll(".sel").forEach((each) => { each.classList.remove("sel"); each.removeAttribute("aria-current"); });
  const chosen = selected && card(selected);
  if (!chosen) return;
  chosen.classList.add("sel");
  chosen.setAttribute("aria-current", "true");
}

function closePanel() {
  const back = card(selected);
  selected = "";
  mark();
  panel.replaceChildren();
  delete panel.dataset.liveUrl;
  delete split.dataset.open;
  history.replaceState(history.state, "", location.pathname + location.search);
  go(back ?? document.getElementById(stop));
}

async function workPanel(element, key) {
  if (idOf(element) !== selected) await select(element);
  const control = panel.querySelector(`[data-key="${key}"]`);
  if (control) control.click();
  else announce("Not possible for this visit.");
}

/* Keys. They are heard before those of the page, because the visit under the focus is meant, not the selected one. */
function letter(event, target) {
  const key = event.key.toLowerCase();
  if (document.body.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (key === "b" && isFree(target)) { target.click(); return true; }
  if (isAlso(target) && PANEL_KEYS.has(key)) { workPanel(target, key); return true; }
  if (!isVisit(target)) return false;
  if (key === "m") { beginKeys(target); return true; }
  if (PANEL_KEYS.has(key) && idOf(target) !== selected) { workPanel(target, key); return true; }
  return false;
}

function beginKeys(target) {
  if (!startMove(target)) return;
  target.focus({ preventScroll: true });
  announce("Moving. Arrows change time and clinician, Shift for five minutes, Enter moves, Escape leaves it.");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (moving()) {
    if (moveKey(event)) { event.preventDefault(); event.stopPropagation(); }
    return;
  }
  if (event.key === "Escape" && selected && event.target.closest?.("#board, #side")) { closePanel(); return; }
  const target = event.target.closest?.("#board .ap");
  if (!target || !isDrawn()) return;
  const arrows = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"];
  if (arrows.includes(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    go(arrow(target, event.key));
  } else if (letter(event, target)) {
    event.preventDefault();
    event.stopPropagation();
  }
}, true);

onKey("m", "", () => {
  const chosen = card(selected);
  if (!chosen) return false;
  beginKeys(chosen);
  return true;
});
onKey(".", "", () => {
  if (!nowLine()) { document.getElementById("to-today")?.click(); return; }
  showNow();
  go(atNow());
});

/* Pointer. */
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  const target = event.target.closest?.("#board .ap[data-v], #board .ap.also, #day-list [data-visit]");
  if (target && !NARROW.matches) {
    event.preventDefault();
    if (isVisit(target) || isAlso(target)) { rove(target); select(target); } else openRow(target);
  } else if (event.target.closest?.("[data-panel-close]")) {
    closePanel();
  } else if (event.target.closest?.("[data-move-visit]") && isDrawn() && card(selected)) {
    event.preventDefault();
    beginKeys(card(selected));
  } else if (event.target.closest?.("[data-drawer]")) {
    split.toggleAttribute("data-open");
  } else if (event.target.closest?.("#legend a") && board()) {
    event.preventDefault();
    filter(event.target.closest("a"));
  }
});

async function openRow(link) {
  selected = link.dataset.visit;
  panel.dataset.liveUrl = link.href;
  await show(link.href);
  split.dataset.open = "";
}

function filter(link) {
  const { stage } = link.dataset;
  const on = link.getAttribute("aria-current") !== "true";
  const url = new URL(region.dataset.liveUrl, location.href);
  if (on) url.searchParams.set("status", stage);
  else url.searchParams.delete("status");
  region.dataset.liveUrl = url.pathname + url.search;
  for (const each of link.parentElement.children) each.removeAttribute("aria-current");
  if (on) link.setAttribute("aria-current", "true");
  board().className = board().className.replace(/\s?\b(faded|only-\w+)\b/g, "");
  if (on) board().classList.add("faded", `only-${stage}`);
  announce(on ? `Only ${link.title.toLowerCase()}.` : "All visits.");
}

/* A board that was read anew: ring, tab stop and focus come back; what others changed lights up for a second. */
const sign = (element) => `${element.dataset.v}|${startOf(element)}|${element.parentElement.dataset.practitioner}`;
const origins = new Map();
function read() {
  const visits = stops().filter(isVisit);
  for (const element of visits) if (element.dataset.was) origins.set(idOf(element), element.dataset.was);
  return new Map(visits.map((element) => [element.id, sign(element)]));
}

/* A moved visit is a new one that knows which it was. */
function follow(id) {
  const next = id && board()?.querySelector(`[data-was="${CSS.escape(id)}"]`);
  if (next) return idOf(next);
  // A move that was taken back: the visit stands again where it was, under the number it had there.
  const before = id && !card(id) && origins.get(id);
  return before && card(before) ? before : id;
}

function swapped() {
  const now = read();
  if (Date.now() > ownUntil) {
    for (const [id, value] of now) {
      if (known.size && known.get(id) !== value) document.getElementById(id)?.classList.add("changed");
    }
  }
  known = now;
  const followed = follow(selected);
  const chosen = card(followed);
  if (chosen && panel.dataset.liveUrl) panel.dataset.liveUrl = chosen.href;
  if (chosen && followed !== selected && !panel.contains(document.activeElement)) show(chosen.href);
  selected = followed;
  mark();
  if (held && !document.getElementById(held)) {
    const was = document.getElementById(`visit-${follow(held.replace("visit-", ""))}`);
    stop = was?.id ?? stop;
    if (was && (document.activeElement === document.body || !document.activeElement)) was.focus({ preventScroll: true });
  }
  rove();
}

whenMoved((element, id) => {
  ownUntil = Date.now() + OWN_MS;
  if (!id) return;
  if (selected === idOf(element)) selected = id;
  if (held === element.id) held = `visit-${id}`;
  stop = element.id = `visit-${id}`;
  element.dataset.keyId = element.id;
  element.href = element.href.replace(/[0-9a-f-]{36}/, id);
  if (selected === id) panel.dataset.liveUrl = element.href;
});

document.addEventListener("live:swapped", (event) => { if (event.target === region) swapped(); });
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.requestConfig?.verb !== "get") ownUntil = Date.now() + OWN_MS;
});
document.addEventListener("focusin", (event) => {
  held = event.target.closest?.("#board .ap")?.id ?? "";
  if (held && stop !== held) rove(event.target.closest(".ap"));
});
addEventListener("resize", () => rove());
/* A time that somebody held is free again when its clock has run out; the server says the same without being told. */
setInterval(() => {
  for (const hold of document.querySelectorAll("#board .held[data-until]")) {
    if (Date.parse(hold.dataset.until) <= Date.now()) hold.remove();
  }
}, 5000);
NARROW.addEventListener("change", () => rove());

if (board()) {
  known = read();
  rove();
  showNow();
  const asked = location.hash.startsWith("#visit-") && document.getElementById(location.hash.slice(1));
  if (asked && !NARROW.matches) { asked.scrollIntoView({ block: "center" }); select(asked); }
}
document.addEventListener("click", (event) => { if (event.target.closest?.("#board, #legend")) say(""); }, true);
