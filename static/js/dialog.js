/* Opens a page's [data-dialog-content] over the present page. Every such page also stands alone: without
   scripts, on a narrow screen or after a failure the link is simply followed.
   What was typed in a closed dialog is kept in memory, never in the browser's storage. */

import { announce } from "./announce.js";

const NARROW = "(max-width: 719px)";
const drafts = new Map();
const dialog = document.getElementById("dialog");
const content = document.getElementById("dialog-content");
let address = "";
let opener = null;
let openerId = "";

const FIRST = "[autofocus], [aria-invalid=true], input:not([type=hidden]):not([disabled]), textarea, select, button:not([data-dialog-close])";

function fields() {
  return [...content.querySelectorAll("form:not([data-no-draft]) :is(input, textarea, select)[name]")]
    .filter((field) => !["hidden", "submit", "button", "password", "file"].includes(field.type));
}

function changed(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected);
  return field.value !== field.defaultValue;
}

function keep() {
  const typed = fields().filter((field) => !field.matches("[type=radio], [type=checkbox]") && changed(field));
  if (!typed.length) { drafts.delete(address); return; }
  drafts.set(address, typed.map((field) => [field.name, field.value]));
}

function restore() {
  const kept = drafts.get(address);
  if (!kept) return;
  for (const [name, value] of kept) {
    const field = fields().find((candidate) => candidate.name === name);
    if (!field || changed(field)) continue;
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  announce("Your draft is back.");
}

function focusFirst(selector = FIRST) {
  const wanted = content.querySelector("[aria-invalid=true]") ?? content.querySelector("[autofocus]") ?? content.querySelector(selector);
  wanted?.focus();
}

export async function openDialog(url, from = document.activeElement) {
  if (!dialog || matchMedia(NARROW).matches) { location.assign(url); return; }
  opener = from;
  openerId = from?.id ?? from?.closest?.("[data-key-id]")?.id ?? "";
  address = url;
  await window.htmx.ajax("GET", url, { target: content, select: "[data-dialog-content]", swap: "innerHTML" });
  if (address !== url) return;
  if (!content.querySelector("[data-dialog-content]")) { location.assign(url); return; }
  if (!dialog.open) dialog.showModal();
  restore();
  focusFirst();
}

export function closeDialog({ forget = false } = {}) {
  if (!dialog?.open) return;
  if (forget) drafts.delete(address);
  else keep();
  dialog.close();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.defaultPrevented && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) {
    if (matchMedia(NARROW).matches || !dialog) return;
    event.preventDefault();
    openDialog(link.href, link);
  } else if (event.target.closest("#dialog [data-dialog-close]")) {
    event.preventDefault();
    closeDialog();
  } else if (event.target === dialog) {
    closeDialog(); // the backdrop
  }
});

dialog?.addEventListener("cancel", () => keep());
dialog?.addEventListener("close", () => {
  content.replaceChildren();
  address = "";
  const back = opener?.isConnected ? opener : openerId && document.getElementById(openerId);
  back?.focus?.();
  opener = null;
});

// Inside the dialog a swap is the answer to a step: go to the first error, or to the first field.
content?.addEventListener("htmx:afterSwap", (event) => {
  if (!dialog.open || event.target !== content) return;
  if (!content.querySelector("[data-dialog-content]")) { location.assign(address); return; }
  if (!content.contains(document.activeElement)) focusFirst();
  const status = event.detail.xhr?.status;
  if (status === 422 || status === 409) {
    focusFirst();
    announce(content.querySelector(".errs:not(:empty), .note[role=alert]")?.textContent.trim() ?? "Please look at the marked fields.", { now: true });
  }
});

document.addEventListener("dialogClose", () => closeDialog({ forget: true }));

document.addEventListener("htmx:responseError", (event) => {
  const known = { 403: "You may not do this here.", 404: "This is no longer there.", 429: "Too many tries. Wait a minute." };
  announce(known[event.detail.xhr.status] ?? "That did not work. Nothing was changed; try again.", { now: true });
});
document.addEventListener("htmx:sendError", () => announce("No connection. Nothing was changed; try again.", { now: true }));
