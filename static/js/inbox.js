/* The inbox beyond htmx: the log stays at its end, the composer counts its texts, "/" offers the templates, and
   what arrives while somebody looks counts as seen. Everything works without it, in more steps. */

import { draftChanged } from "./drafts.js";
import { isField } from "./keys.js";

const GSM = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
const TWICE = new Set("^{}\\[~]|€\f");
// What the server writes plainly before it sends (messaging.templates.PLAIN).
const PLAIN = { "’": "'", "‘": "'", "“": "\"", "”": "\"", "–": "-", "—": "-", "…": "...", "\u00a0": " " };
const MOST = 4;
const NEAR_END = 60;

/* How many texts the carrier counts, and how many letters fit into as many. */
export function segments(text) {
  const plain = [...text].map((letter) => PLAIN[letter] ?? letter).join("");
  const letters = [...plain];
  const gsm = letters.every((letter) => GSM.has(letter) || TWICE.has(letter));
  const length = gsm ? letters.reduce((sum, letter) => sum + (TWICE.has(letter) ? 2 : 1), 0) : plain.length;
  const [single, part] = gsm ? [160, 153] : [70, 67];
  const count = length <= single ? 1 : Math.ceil(length / part);
  return { count, length, room: count === 1 ? single : count * part };
}

const form = () => document.getElementById("compose");
const box = () => form()?.querySelector("textarea");
const mode = () => form()?.querySelector("[name=channel]:checked")?.value;
const language = () => form()?.querySelector("[name=language]:checked")?.value ?? "en";

function count() {
  const spot = document.getElementById("compose-count");
  if (!spot || !box()) return;
  const text = box().value;
  spot.textContent = "";
  spot.classList.remove("over");
  if (mode() !== "sms" || !text.trim()) return;
  const { count: texts, length, room } = segments(text);
  spot.textContent = `${texts} text${texts === 1 ? "" : "s"}, ${length} of ${room}`;
  spot.classList.toggle("over", texts > MOST);
}

/* The log: at its end when it opens, and again after news unless somebody reads further up. */
let atEnd = true;
const log = () => document.getElementById("thread-log");
function toEnd() {
  const lines = log();
  if (lines) lines.scrollTop = lines.scrollHeight;
}
document.addEventListener("scroll", (event) => {
  if (event.target.id !== "thread-log") return;
  const lines = event.target;
  atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < NEAR_END;
}, true);

function newest() {
  return log()?.querySelector(".bub:last-of-type, .call-entry:last-of-type")?.id;
}

let shown = newest();
document.addEventListener("live:swapped", (event) => {
  if (event.target.id !== "thread-now") return;
  if (atEnd) toEnd();
  if (newest() === shown) return;
  shown = newest();
  const url = event.target.dataset.seenUrl;
  if (url && !document.hidden) window.htmx.ajax("POST", url, { swap: "none", source: document.body });
});

/* The times that may be offered come after the log: they are not to lie below its edge. */
document.addEventListener("htmx:afterSettle", (event) => {
  if (atEnd && event.detail.target !== log() && log()?.contains(event.detail.target)) toEnd();
});

/* After writing, the empty composer has the focus again; after a refusal so has the text, whole. */
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id !== "conversation") return;
  atEnd = true;
  shown = newest();
  toEnd();
  count();
  for (const menu of document.querySelectorAll("#thread-now details[open]")) menu.open = false;
  const text = box();
  text?.focus();
  text?.setSelectionRange(text.value.length, text.value.length);
});

/* A choice in a menu was carried out: the menu closes, so that the part around it may refresh. */
document.addEventListener("htmx:afterRequest", (event) => {
  const menu = event.detail.elt?.closest?.("#thread-now details.menu[open]");
  if (menu) { menu.open = false; document.dispatchEvent(new Event("live:free")); }
});

document.addEventListener("input", (event) => {
  if (event.target.form?.id === "compose") count();
  if (event.target.matches?.("[data-reply-filter]")) narrow(event.target.value);
});
document.addEventListener("change", (event) => {
  if (event.target.form?.id !== "compose") return;
  count();
  if (event.target.name === "language") previews();
});

/* Templates: "/" at the beginning of a word opens them, letters narrow them, Enter takes the first. */
const menu = () => document.getElementById("reply-menu");
const choices = () => [...(menu()?.querySelectorAll("button[name=insert]") ?? [])];
const words = (button) => (language() === "es" && button.dataset.es) || button.dataset.en;
let slashAt = -1;

function previews() {
  for (const button of choices()) button.querySelector(".m3").textContent = words(button);
}

function narrow(text) {
  const wanted = text.trim().toLowerCase();
  for (const button of choices()) button.hidden = !button.textContent.toLowerCase().includes(wanted);
}

function openReplies() {
  if (!menu() || mode() === "note") return false;
  narrow("");
  menu().open = true;
  const filter = menu().querySelector("[data-reply-filter]");
  filter.value = "";
  filter.focus();
  return true;
}

function take(button) {
  const text = box();
  const at = slashAt >= 0 ? slashAt : text.selectionStart;
  const after = text.value.slice(slashAt >= 0 ? slashAt + 1 : text.selectionEnd);
  const before = text.value.slice(0, at);
  const gap = before && !/\s$/.test(before) ? " " : "";
  text.value = before + gap + words(button) + after;
  slashAt = -1;
  menu().open = false;
  text.focus();
  const end = text.value.length - after.length;
  text.setSelectionRange(end, end);
  count();
  draftChanged(form());
}

document.addEventListener("input", (event) => {
  if (event.target !== box() || event.data !== "/") return;
  const at = event.target.selectionStart - 1;
  if (at > 0 && !/\s/.test(event.target.value[at - 1])) return;
  slashAt = at;
  if (!openReplies()) slashAt = -1;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[name=insert]");
  if (!button || button.form?.id !== "compose") return;
  event.preventDefault();
  take(button);
}, true);

document.addEventListener("keydown", (event) => {
  if (!menu()?.open || !menu().contains(event.target)) return;
  const seen = choices().filter((button) => !button.hidden);
  const at = seen.indexOf(document.activeElement);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    seen[Math.max(0, Math.min(seen.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)))]?.focus();
  } else if (event.key === "Enter" && isField(event.target)) {
    event.preventDefault();
    if (seen[0]) take(seen[0]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    menu().open = false;
    slashAt = -1;
    box()?.focus();
  }
}, true);

toEnd();
count();
// J and K go on from the open conversation.
if (document.activeElement === document.body) {
  document.querySelector(".th[aria-current]")?.focus({ preventScroll: true, focusVisible: false });
}
