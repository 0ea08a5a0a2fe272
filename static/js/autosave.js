/* Sends a form with data-autosave to its own address 600 ms after the last letter, and says when it is kept.
   A note has `was`, what it was when this page got it: where somebody else wrote meanwhile the server keeps
   both, and what the other one wrote is put above what stands here. */

import { saveState } from "./announce.js";

const REST_MS = 600;
const AGAIN_MS = 4000;
const resting = new Map(); // form → timer
const underway = new Map(); // form → true when more was typed meanwhile

function tell(form, words, off = false) {
  const spot = form.querySelector("[data-autosave-state]");
  if (spot) spot.textContent = words;
  saveState(words, off);
}

function taken(form, sent, answer) {
  const note = form.elements.note;
  tell(form, `Saved ${answer.saved}`);
  setTimeout(() => document.dispatchEvent(new Event("live:free")), 0); // news that waited for this may come
  for (const field of form.elements) {
    // A saved field is no unsaved one any more: the live update may bring a newer word.
    if (field === note || !field.name || field.type === "hidden") continue;
    if (field.matches("[type=radio], [type=checkbox]")) field.defaultChecked = field.checked;
    else if (field.value === sent.get(field.name)) field.defaultValue = field.value;
  }
  if (!note) return;
  form.elements.was.value = answer.note;
  if (answer.theirs) {
    const caret = note.value.length - note.selectionStart;
    note.value = `${answer.theirs}\n${note.value}`;
    note.selectionStart = note.selectionEnd = note.value.length - caret;
    const spot = form.querySelector("[data-autosave-theirs]");
    if (spot) { spot.textContent = "Somebody else wrote here meanwhile. Both are kept."; spot.hidden = false; }
  }
  note.defaultValue = answer.note;
}

async function save(form) {
  clearTimeout(resting.get(form));
  resting.delete(form);
  if (underway.has(form)) { underway.set(form, true); return; }
  underway.set(form, false);
  const sent = new FormData(form);
  let kept = false;
  try {
    const answer = await fetch(form.action, { method: "POST", body: sent, keepalive: true, redirect: "error", headers: { "X-Autosave": "1" } });
    kept = answer.ok;
    if (kept) taken(form, sent, await answer.json());
    else tell(form, answer.status === 422 ? await answer.text() : "Not saved yet", true);
    if (answer.status === 422) kept = true;
  } catch {
    tell(form, "Not saved yet", true);
  }
  const more = underway.get(form);
  underway.delete(form);
  if (!kept) rest(form, AGAIN_MS);
  else if (more) rest(form, 0);
}

function rest(form, milliseconds) {
  clearTimeout(resting.get(form));
  resting.set(form, setTimeout(() => save(form), milliseconds));
}

const flush = () => { for (const form of [...resting.keys()]) save(form); };

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    const form = event.target.closest?.("form[data-autosave]");
    if (form) rest(form, kind === "change" && event.target.matches("[type=radio], select") ? 0 : REST_MS);
  });
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("form[data-autosave]");
  if (!form) return;
  event.preventDefault();
  save(form);
}, true);

document.addEventListener("visibilitychange", () => { if (document.hidden) flush(); });
addEventListener("pagehide", flush);
addEventListener("online", flush);
