/* Keeps what is typed into a form with data-draft-key on the server, 600 ms after the last letter, for this
   person on every machine. Nothing is stored in the browser. The page draws a kept draft back into its form.
   `data-draft-url` on the form or around it is the practice's /drafts/ address.

   A form counts as empty, and its draft goes, when every text is blank and no choice is made; hidden fields
   and what lies in [data-draft-frame] (text or note? which language?) are kept along but do not count. */

import { saveState } from "./announce.js";

const REST_MS = 600;
const AGAIN_MS = 5000;
const WAIT_MS = 3000;
const resting = new Map(); // form → timer
const underway = new Map(); // form → false, or true when more was typed meanwhile

const formOf = (element) => element?.closest?.("form[data-draft-key]");
const addressOf = (form) => form.closest("[data-draft-url]")?.dataset.draftUrl;
const counts = (field) => field.type !== "hidden" && !field.closest("[data-draft-frame], [data-no-draft]");

function saysSomething(form) {
  return [...form.elements].filter((field) => field.name && counts(field)).some((field) => {
    if (field.matches("[type=checkbox], [type=radio]")) return field.checked;
    if (field.matches("button, [type=submit], [type=password], [type=file]")) return false;
    return field.value.trim() !== "";
  });
}

function content(form) {
  const body = new FormData();
  body.set("key", form.dataset.draftKey);
  body.set("csrfmiddlewaretoken", token(form));
  if (!saysSomething(form)) return body;
  for (const field of form.elements) {
    if (!field.name || field.closest("[data-no-draft]") || ["csrfmiddlewaretoken", "key"].includes(field.name)) continue;
    if (field.matches("button, [type=submit], [type=password], [type=file], :disabled")) continue;
    if (field.matches("[type=checkbox], [type=radio]") && !field.checked) continue;
    if (field.matches("select[multiple]")) {
      for (const option of field.selectedOptions) body.append(field.name, option.value);
    } else body.append(field.name, field.value);
  }
  return body;
}

function token(form) {
  const own = form.querySelector("[name=csrfmiddlewaretoken]")?.value;
  return own ?? JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
}

/* One request at a time: a slow earlier one must not come after a later one and bring old words back. */
async function save(form) {
  clearTimeout(resting.get(form));
  resting.delete(form);
  if (underway.has(form)) { underway.set(form, true); return; }
  underway.set(form, false);
  let kept = false;
  try {
    const answer = await fetch(addressOf(form), { method: "POST", body: content(form), keepalive: true, redirect: "error" });
    kept = answer.ok;
    if (kept) saveState(`Saved ${answer.headers.get("X-Saved-At") ?? ""}`.trim());
    else saveState(answer.status === 422 ? await answer.text() : "Not saved yet", true);
    if (answer.status === 422) kept = true; // the same words would be refused again
  } catch {
    saveState("Not saved yet", true);
  }
  const more = underway.get(form);
  underway.delete(form);
  if (form.dataset.draftSent !== undefined) return;
  if (!kept) rest(form, AGAIN_MS);
  else if (more) rest(form, 0);
}

function rest(form, milliseconds) {
  clearTimeout(resting.get(form));
  resting.set(form, setTimeout(() => save(form), milliseconds));
}

/* The form is on its way, or thrown away: nothing of it is kept any more. */
export function forgetDraft(form) {
  clearTimeout(resting.get(form));
  resting.delete(form);
  form.dataset.draftSent = "";
}

/* Keeps at once what is still resting, as before the page goes. */
export function flushDrafts() {
  for (const form of [...resting.keys()]) save(form);
}

/* For fields that a script filled in. */
export function draftChanged(form) {
  if (!form || !addressOf(form)) return;
  delete form.dataset.draftSent;
  rest(form, REST_MS);
}

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    if (event.target.closest?.("[data-no-draft]")) return;
    draftChanged(formOf(event.target));
  });
}

/* A save that is on its way must not arrive after the form and bring back what was sent: the form waits for
   it, a moment at most. */
const waiting = new Map(); // form → whether it may go now

async function sendAfterSave(form, button) {
  waiting.set(form, false);
  for (let past = 0; underway.has(form) && past < WAIT_MS; past += 20) {
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  waiting.set(form, true);
  if (form.isConnected) form.requestSubmit(button?.form === form ? button : undefined);
  waiting.delete(form);
}

document.addEventListener("submit", (event) => {
  const form = formOf(event.target);
  if (!form) return;
  forgetDraft(form);
  if (!underway.has(form) || waiting.get(form)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!waiting.has(form)) sendAfterSave(form, event.submitter);
}, true);

/* The answer may be that it did not go: then what stands there is a draft again. */
document.addEventListener("htmx:afterRequest", (event) => {
  const form = formOf(event.detail?.elt);
  if (form?.isConnected && !event.detail.successful) draftChanged(form);
});

document.addEventListener("visibilitychange", () => { if (document.hidden) flushDrafts(); });
addEventListener("pagehide", flushDrafts);
addEventListener("online", flushDrafts);
