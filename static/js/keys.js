/* Keyboard shortcuts. A key is declared on the control it works, so every key is also something to click:
   data-key="b", "g t" (one after the other), "alt+p", "ctrl+enter", and data-key-label for the list behind "?".
   Single letters are silent in fields and when the person turned them off (data-keys="off" on the body). */

const SEQUENCE_MS = 1200;
const HEARD = new Map(); // combo → { label, run } for keys that have no control of their own, as "arrows"
let pending = "";
let pendingSince = 0;

export function onKey(combo, label, run) {
  HEARD.set(combo, { label, run });
  return () => HEARD.delete(combo);
}

const QUIET_TYPES = new Set(["button", "checkbox", "radio", "submit", "reset", "range", "color", "file"]);

export function isField(element) {
  if (!element?.matches) return false;
  if (element.matches("textarea, select, [contenteditable]:not([contenteditable=false])")) return true;
  return element.matches("input") && !QUIET_TYPES.has(element.type);
}

function comboOf(event) {
  let key = event.key.toLowerCase();
  // With Alt some systems type another letter: the place of the key says which was meant.
  if (event.altKey && /^(Key|Digit)/.test(event.code)) key = event.code.replace(/^(Key|Digit)/, "").toLowerCase();
  const held = `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.altKey ? "alt+" : ""}`;
  return held + (key === " " ? "space" : key);
}

const scope = () => [...document.querySelectorAll("dialog[open]")].pop() ?? document;
const seen = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? element.offsetParent !== null;
const keysOf = (element) => element.dataset.key.split(",").map((key) => key.trim());

function controls(root) {
  return [...root.querySelectorAll("[data-key]")].filter((element) => !element.disabled && seen(element));
}

function find(combo) {
  const root = scope();
  const found = controls(root).filter((element) => keysOf(element).includes(combo));
  if (!combo.includes("ctrl+enter")) return found[0];
  const form = document.activeElement?.closest?.("form");
  return found.find((element) => element.form === form && form) ?? (root === document ? undefined : found[0]);
}

function work(control) {
  if (isField(control)) {
    control.focus();
    control.select?.();
  } else if (control.matches("input[type=radio], input[type=checkbox]")) {
    control.focus();
    control.click();
  } else {
    control.click();
  }
}

function digit(event) {
  const group = event.target.closest?.("[data-digits]") ?? scope().querySelector("[data-digits][data-digits-first]");
  if (!group || isField(event.target)) return false;
  const inputs = [...group.querySelectorAll("input[type=radio]")];
  const control = group.querySelector(`[data-digit="${event.key}"]`) ?? inputs[Number(event.key) - 1];
  if (!control || control.disabled) return false;
  work(control);
  const next = group.dataset.digitsNext && document.querySelector(group.dataset.digitsNext);
  if (next) (next.querySelector("input:checked, input, button, a") ?? next).focus();
  return true;
}

function stepRow(by) {
  const rows = [...scope().querySelectorAll("[data-row]")].filter(seen);
  if (!rows.length) return false;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  if (!row.hasAttribute("tabindex")) row.tabIndex = -1;
  row.focus();
  row.scrollIntoView({ block: "nearest" });
  return true;
}

function bare(combo, event) {
  if (/^[1-9]$/.test(combo) && digit(event)) return true;
  if (Date.now() - pendingSince > SEQUENCE_MS) pending = "";
  const whole = pending ? `${pending} ${combo}` : combo;
  pending = "";
  const control = find(whole);
  if (control) { work(control); return true; }
  const heard = scope() === document && HEARD.get(whole);
  if (heard) return heard.run(event) !== false;
  if (controls(scope()).some((element) => keysOf(element).some((key) => key.startsWith(`${combo} `)))) {
    pending = combo;
    pendingSince = Date.now();
    return true;
  }
  if (combo === "j" || combo === "k") return stepRow(combo === "j" ? 1 : -1);
  return false;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing) return;
  const combo = comboOf(event);
  if (event.ctrlKey || event.metaKey || event.altKey) {
    const control = find(combo);
    if (control) { event.preventDefault(); work(control); }
    return;
  }
  if (combo === "enter" && event.target.matches?.("[data-row]")) {
    const main = event.target.querySelector("[data-main]");
    if (main) { event.preventDefault(); main.click(); }
    return;
  }
  if (isField(event.target) || document.body.dataset.keys === "off") return;
  if (combo.length > 1) {
    const heard = scope() === document && HEARD.get(combo);
    if (heard && heard.run(event) !== false) event.preventDefault();
    return;
  }
  if (bare(combo, event)) event.preventDefault();
});

/* The list behind "?": made from what is on the page, so it never names a key that does nothing here. */
function cap(combo) {
  return combo.split(" ").map((part) => part.split("+").map((word) =>
    word === "enter" ? "↵" : word.length === 1 ? word.toUpperCase() : word[0].toUpperCase() + word.slice(1)).join(" "));
}

function line(list, keys, label) {
  const entry = document.createElement("div");
  const name = document.createElement("dd");
  const caps = document.createElement("dt");
  name.textContent = label;
  for (const key of keys) {
    const mark = document.createElement("kbd");
    mark.className = "always";
    mark.textContent = key;
    caps.append(mark);
  }
  entry.append(caps, name);
  list.append(entry);
}

function showList() {
  const dialog = document.getElementById("keys-dialog");
  const list = dialog?.querySelector("[data-keys-list]");
  if (!list || dialog.open) return;
  list.replaceChildren();
  const told = new Set();
  for (const control of controls(document)) {
    const label = control.dataset.keyLabel ?? control.getAttribute("aria-label") ?? (control.title || control.textContent.trim());
    const combo = keysOf(control)[0];
    if (told.has(combo)) continue;
    told.add(combo);
    line(list, cap(combo), label.replace(/\s+/g, " ").slice(0, 60));
  }
  for (const [combo, { label }] of HEARD) if (label && !told.has(combo)) line(list, cap(combo), label);
  for (const help of document.querySelectorAll("[data-key-help]")) {
    line(list, help.dataset.keyHelp.split(" "), help.textContent.trim());
  }
  if (document.querySelector("[data-row]")) line(list, ["J", "K"], "Down, up a list");
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys-help]")) showList();
});
