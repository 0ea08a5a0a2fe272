/* What the booking and moving dialogs need beyond htmx: digits typed before the times have arrived are kept
   for them, typed days choose "other day", and the arrows lead from the name into the people found.
   Nothing is stored in the browser: the form on the page is the draft, and in a call drafts.js keeps it on the
   server (data-draft-key), also what a press on a button changed. */

import { draftChanged } from "./drafts.js";

const DIGIT = /^[1-9]$/;
let waiting = null; // the latest request under way that brings new times
let early = ""; // the digit that was typed meanwhile

const slots = () => document.getElementById("book-slots");
const bringsTimes = (element) => Boolean(element?.closest?.("[data-changes-when]"));

function take(digit) {
  const choice = slots()?.querySelectorAll("input[type=radio]")[Number(digit) - 1];
  if (!choice) return;
  choice.focus();
  choice.click();
}

function arrived() {
  waiting = null;
  const digit = early;
  early = "";
  if (digit) take(digit);
  else if (document.activeElement === slots()) slots().querySelector("input")?.focus();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (bringsTimes(event.detail.elt)) waiting = event.detail.xhr;
});

// After the settling, not after the request: only then do the new rows answer to a click.
document.addEventListener("htmx:afterSettle", (event) => {
  if (waiting && event.detail.xhr === waiting) arrived();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr !== waiting || event.detail.successful) return;
  waiting = null;
  early = "";
});

/* Before keys.js hears it: the rows on the screen are about to be replaced, a digit means the new ones. */
document.addEventListener("keydown", (event) => {
  if (!waiting || !DIGIT.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!event.target.closest?.("#book-slots")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  early = event.key;
}, true);

document.addEventListener("input", (event) => {
  const other = event.target.closest?.(".other-time");
  if (!other || !["day", "time", "with_whom"].includes(event.target.name)) return;
  const choice = other.querySelector("#slot-other");
  if (choice && !choice.checked) choice.checked = true;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const people = [...document.querySelectorAll("#book-people button[name=patient]")];
  if (!people.length) return;
  const at = people.indexOf(document.activeElement);
  const fromField = event.target.closest?.(".who-fields") !== null;
  if (at < 0 && !(fromField && event.key === "ArrowDown")) return;
  event.preventDefault();
  const next = at + (event.key === "ArrowDown" ? 1 : -1);
  if (next < 0) document.getElementById("id_name")?.focus();
  else people[Math.min(next, people.length - 1)].focus();
});

/* Somebody was chosen: the fields that had the focus are gone, the kind of visit comes next. */
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "book-who" && event.detail?.target?.id !== "book-who") return;
  const known = document.querySelector("#book-who :is(input[name=patient], input[name=set_apart])");
  const next = known
    ? document.querySelector(".types input:checked, .types input")
    : document.getElementById("id_name");
  if (!document.activeElement || document.activeElement === document.body) next?.focus();
});

/* A person or a half-day was chosen by a button: no field has told of it. */
document.addEventListener("htmx:afterSettle", (event) => {
  const form = event.target.closest?.("form[data-booking][data-draft-key]");
  if (form) draftChanged(form);
});

/* The dialog is left: what it held is free again, at once. In a call the choice waits with the call. */
function letGo(form) {
  const hold = form?.querySelector("input[name=hold]");
  if (!hold || form.querySelector("input[name=call]") || !form.querySelector("#book-hold")) return;
  const body = new URLSearchParams({ hold: hold.value, csrfmiddlewaretoken: form.csrfmiddlewaretoken.value });
  fetch(form.dataset.letGoUrl, { method: "POST", body, keepalive: true, credentials: "same-origin" }).catch(() => {});
}

const openForm = () => document.querySelector("form[data-booking][data-let-go-url]");

// Before dialog.js empties the dialog: this listener stands on the way down.
document.addEventListener("close", (event) => {
  if (event.target.id === "dialog") letGo(openForm());
}, true);
addEventListener("pagehide", () => letGo(openForm()));
