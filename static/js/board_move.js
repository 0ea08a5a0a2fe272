/* Moves a visit on the board, by the keys or by dragging: a ghost stands where it would land. The card moves
   at once, the server is asked, and the card goes back when it refuses. */

import { announce } from "./announce.js";
import { board, clockAt, dayOf, idOf, isDrawn, isVisit, isoAt, lengthOf, nameOf, refusal, startOf, stepHeight, stepsOfDay, targets } from "./board_grid.js";
import { openDialog } from "./dialog.js";
import { refreshRegions } from "./live.js";

const QUARTER = 3;
const SLACK_PX = 5;
const TOUCH_SLACK_PX = 10;
const LONG_PRESS_MS = 350;
const EDGE_PX = 36;
const GUTTER_PX = 52;
let move = null; // { card, column, start, length, ghost, words, from: {column, start, next} }
let press = null; // a pointer that is down and may become a drag
let swallowClick = false;
let onDone = () => {};

export const moving = () => move?.card ?? null;
export function whenMoved(run) { onDone = run; }

export function startMove(card) {
  if (!isDrawn() || !isVisit(card)) return false;
  if (!card.matches(".st-book, .st-conf")) {
    announce(`${nameOf(card)} cannot be moved any more: the visit has begun or is over.`, { now: true });
    return false;
  }
  cancelMove();
  const ghost = document.createElement("div");
  ghost.className = "ap ghost";
  ghost.append(Object.assign(document.createElement("span"), { className: "tm" }));
  ghost.append(Object.assign(document.createElement("span"), { className: "n", textContent: nameOf(card) }));
  const column = card.closest(".bcol");
  move = { card, column, start: startOf(card), length: lengthOf(card), ghost, words: "" };
  ghost.style.setProperty("--d", move.length);
  card.classList.add("dragging");
  board().dataset.busy = "";
  put(column, move.start);
  return true;
}

export function put(column, start) {
  const last = stepsOfDay() - move.length;
  move.start = Math.max(0, Math.min(last, start));
  if (move.column !== column || !move.ghost.isConnected) {
    move.column.classList.remove("target");
    column.append(move.ghost);
    column.classList.add("target");
    move.column = column;
  }
  move.words = refusal(column, move.start, move.length, move.card);
  move.ghost.style.setProperty("--s", move.start);
  move.ghost.classList.toggle("no", Boolean(move.words));
  move.ghost.firstChild.textContent = clockAt(move.start) + (move.words ? `, ${move.words}` : "");
}

function tell() {
  announce(`${clockAt(move.start)}, ${move.column.dataset.name}, ${move.words || "free"}`);
}

function sayTaken() {
  say(`${clockAt(move.start)} with ${move.column.dataset.name} is ${move.words}. Choose another time, or Escape to leave it.`);
}

function end() {
  const { card, ghost, column } = move;
  ghost.remove();
  column.classList.remove("target");
  card.classList.remove("dragging");
  move = null;
  delete board().dataset.busy;
  document.dispatchEvent(new CustomEvent("live:free"));
}

export function cancelMove(words = "") {
  if (!move) return;
  const { card } = move;
  end();
  if (words) announce(words);
  card.focus({ preventScroll: true });
}

function land(card, column, start) {
  column.append(card);
  card.style.setProperty("--s", start);
  card.style.setProperty("--of", 1);
  card.style.setProperty("--at", 0);
}

function goBack(card, home) {
  home.column.insertBefore(card, home.next?.isConnected ? home.next : null);
  for (const name of ["--s", "--of", "--at"]) card.style.removeProperty(name);
}

export function say(words) {
  const bar = document.getElementById("board-say");
  if (!bar) return;
  bar.textContent = words;
  bar.hidden = !words;
}

const token = () => JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";

async function ask(card, column, start) {
  const body = new URLSearchParams({ practitioner: column.dataset.practitioner, start: isoAt(start, column), version: card.dataset.v });
  const url = board().dataset.moveUrl.replace(/0{8}-0{4}-0{4}-0{4}-0{12}/, idOf(card));
  const answer = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": token(), "HX-Request": "true" } });
  return { ok: answer.status === 200 && !answer.redirected, id: answer.headers.get("X-Appointment"), dialog: answer.headers.get("X-Dialog"), text: await answer.text(), status: answer.status };
}

const nameOfColumn = (column) => `appointments:${dayOf(column)}:${column.dataset.practitioner}`;

function refused(answer) {
  if (answer.status === 409 || answer.status === 422) return answer.text.slice(0, 300);
  return answer.status === 403 ? "You may not move visits here." : "That did not work. Nothing was changed; try again.";
}

export async function drop() {
  const { card, column, start, words } = move;
  if (words) { cancelMove(); say(`Not moved: ${clockAt(start)} with ${column.dataset.name} is ${words}.`); return; }
  const home = { column: card.parentElement, next: card.nextElementSibling };
  if (home.column === column && startOf(card) === start) { cancelMove("Not moved."); return; }
  const focused = document.activeElement === card || document.activeElement === document.body;
  end();
  land(card, column, start);
  board().dataset.busy = "";
  card.classList.add("saving");
  if (focused) card.focus({ preventScroll: true });
  say("");
  let answer;
  try { answer = await ask(card, column, start); } catch { answer = { ok: false, status: 0, text: "" }; }
  card.classList.remove("saving");
  delete board()?.dataset.busy;
  if (answer.ok) {
    announce(`${nameOf(card)} moved to ${clockAt(start)}, ${column.dataset.name}.`);
    const bar = document.getElementById("change-bar");
    if (bar) window.htmx.swap(bar, answer.text, { swapStyle: "innerHTML" });
    onDone(card, answer.id);
  } else if (answer.dialog) {
    // Something has to be asked first: the card is where it was, and so is all else on the board.
    goBack(card, home);
    announce(answer.text);
    openDialog(answer.dialog, card);
    return;
  } else {
    goBack(card, home);
    say(refused(answer));
    if (focused) card.focus({ preventScroll: true });
  }
  // Refused: what the board shows is not how it is. Otherwise two columns are another.
  const changed = answer.ok ? [home.column, column].map(nameOfColumn) : ["appointments"];
  refreshRegions([...changed, "queue"]);
}

/* Keys of Move mode; true when the key was one of them. */
export function moveKey(event) {
  if (!move) return false;
  // Taking something back ends the question where to; the key then does what it always does.
  if (event.key.toLowerCase() === "z") { cancelMove(); say(""); return false; }
  const all = targets();
  const at = all.indexOf(move.column);
  const by = event.shiftKey ? 1 : QUARTER;
  const steps = { ArrowUp: -by, ArrowDown: by, PageUp: -4 * QUARTER, PageDown: 4 * QUARTER }[event.key];
  if (steps) put(move.column, onGrid(move.start, steps, by));
  else if (event.key === "ArrowLeft") put(all[Math.max(0, at - 1)], move.start);
  else if (event.key === "ArrowRight") put(all[Math.min(all.length - 1, at + 1)], move.start);
  else if (event.key === "Enter") { if (move.words) sayTaken(); else { say(""); drop(); } return true; }
  else if (event.key === "[" || event.key === "]") { toDay(document.getElementById(event.key === "[" ? "day-before" : "day-after")); return true; }
  else if (event.key === "Escape") { say(""); cancelMove("Not moved."); return true; }
  else return event.key.length === 1 || event.key === "Tab" || event.key === "Home" || event.key === "End";
  say("");
  move.ghost.scrollIntoView({ block: "nearest", inline: "nearest" });
  tell();
  return true;
}

/* Another day than those on the board: its free times in the dialog, where a press moves the visit there. */
function toDay(link) {
  if (!link) return;
  const { card } = move;
  const day = new URL(link.href).searchParams.get("d");
  const url = board().dataset.moveUrl.replace(/0{8}-0{4}-0{4}-0{4}-0{12}/, idOf(card));
  say("");
  cancelMove();
  openDialog(`${url}?half=${day}.day`, card);
}

const dayLinkAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest("#day-before, #day-after");

/* Quarters stay on the quarter: from 9:05 down is 9:15. */
function onGrid(start, steps, by) {
  if (by === 1) return start + steps;
  const offset = (Number(board().dataset.from) / 5) % QUARTER;
  const there = start + steps + offset;
  return (steps > 0 ? Math.floor(there / QUARTER) : Math.ceil(there / QUARTER)) * QUARTER - offset;
}

/* Dragging. A mouse drags after a few pixels, a finger after a long press, so that a swipe still scrolls. */
function begin() {
  clearTimeout(press.timer);
  if (!startMove(press.card)) { letGo(); return; }
  const box = press.card.getBoundingClientRect();
  press.grab = press.y - box.top;
  press.dragging = true;
  board().setPointerCapture(press.pointer);
  move.ghost.classList.add("moving");
}

/* News that come between the press and the first pixels of a drag wait: they would take the card away. */
function letGo() {
  if (!press) return;
  clearTimeout(press.timer);
  delete press.card.dataset.busy;
  press = null;
  document.dispatchEvent(new CustomEvent("live:free"));
}

document.addEventListener("pointerdown", (event) => {
  letGo(); // one that was let go outside of the window
  const card = event.target.closest?.("#board .ap[data-v]");
  if (!card || event.button !== 0 || !isDrawn()) return;
  if (move) {
    if (card !== move.card) return;
    cancelMove(); // the card itself is taken: from here on it is a drag
    say("");
  }
  card.dataset.busy = "";
  press = { card, pointer: event.pointerId, x: event.clientX, y: event.clientY, touch: event.pointerType === "touch" };
  if (press.touch) press.timer = setTimeout(() => press && begin(), LONG_PRESS_MS);
});

/* Where the pointer is, is looked at once a frame: with thirty columns a look costs more than a move. */
let last = null;
let frame = 0;

function follow() {
  frame = 0;
  if (!press?.dragging || !last) return;
  const all = targets();
  const edge = board().getBoundingClientRect();
  const near = (from, to, at) => (at > to - EDGE_PX ? 12 : at < from + EDGE_PX ? -12 : 0);
  const head = board().querySelector(".bh").getBoundingClientRect().bottom;
  const down = near(head, edge.bottom, last.y);
  const side = near(edge.left + GUTTER_PX, edge.right, last.x);
  if (down) board().scrollTop += down;
  if (side) board().scrollLeft += side;
  const inside = board().scrollLeft + last.x - edge.left;
  const column = all.find((candidate) => candidate.offsetLeft + candidate.offsetWidth > inside) ?? all.at(-1);
  put(column, Math.round((last.y - press.grab - column.getBoundingClientRect().top) / stepHeight()));
  if (down || side) frame = requestAnimationFrame(follow); // the pointer rests at the edge: go on
}

document.addEventListener("pointermove", (event) => {
  if (!press || event.pointerId !== press.pointer) return;
  if (!press.dragging) {
    const far = Math.hypot(event.clientX - press.x, event.clientY - press.y);
    if (press.touch && far > TOUCH_SLACK_PX) letGo();
    else if (!press.touch && far > SLACK_PX) begin();
    if (!press?.dragging) return;
  }
  last = { x: event.clientX, y: event.clientY };
  if (!frame) frame = requestAnimationFrame(follow);
});

function release(event, dropped) {
  if (!press || event.pointerId !== press.pointer) return;
  const { dragging } = press;
  if (frame) { cancelAnimationFrame(frame); follow(); cancelAnimationFrame(frame); frame = 0; }
  letGo();
  if (!dragging || !move) return;
  swallowClick = true;
  setTimeout(() => { swallowClick = false; }, 0);
  const link = dropped && dayLinkAt(event);
  if (link) toDay(link);
  else if (dropped) drop();
  else cancelMove("Not moved.");
}

document.addEventListener("pointerup", (event) => release(event, true));
document.addEventListener("pointercancel", (event) => release(event, false));
document.addEventListener("dragstart", (event) => { if (event.target.closest?.("#board .ap")) event.preventDefault(); });
document.addEventListener("contextmenu", (event) => { if (press?.touch) event.preventDefault(); });
document.addEventListener("touchmove", (event) => { if (press?.dragging) event.preventDefault(); }, { passive: false });
document.addEventListener("click", (event) => {
  if (!swallowClick) return;
  swallowClick = false;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
// In Move mode a click on a place is an answer to "where?".
document.addEventListener("click", (event) => {
  if (!move || press?.dragging) return;
  const column = event.target.closest?.("#board .bcol[data-practitioner]");
  if (!column) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const target = event.target.closest(".ap.free");
  const box = column.getBoundingClientRect();
  const spot = Math.floor((event.clientY - box.top) / stepHeight() / QUARTER) * QUARTER;
  put(column, target ? startOf(target) : spot);
  drop();
}, true);
