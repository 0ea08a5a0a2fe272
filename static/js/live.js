/* Keeps the page current when other people work. The stream (data-live on the body) only says which region
   changed; the region is then fetched from its data-live-url, so what may be seen is decided in one place.
   A region is never replaced while it holds a focused field, an unsaved entry, an open dialog or a drag:
   it is marked stale and refreshed when that ends. The focus on a card (data-key-id) is put back. */

import { saveState } from "./announce.js";
import { isField } from "./keys.js";

const POLL_MS = 20000;
const GATHER_MS = 150;
const waiting = new Map(); // element id → timer
const running = new Map(); // element id → true, or "again" when news came meanwhile
let polling = 0;
let wasOff = false;

function unsaved(field) {
  if (field.closest("[data-no-draft]") || field.type === "hidden" || field.type === "submit") return false;
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  if (field.matches("select")) {
    return [...field.options].some((option) => option.defaultSelected) &&
      [...field.options].some((option) => option.selected !== option.defaultSelected);
  }
  return field.value !== field.defaultValue;
}

export function isBusy(region) {
  const focus = document.activeElement;
  if (focus && region.contains(focus) && isField(focus)) return true;
  if (region.matches("[data-busy]") || region.querySelector("[data-busy], dialog[open], details.menu[open]")) return true;
  return [...region.querySelectorAll("input, textarea, select")].some(unsaved);
}

function remember(region) {
  const focus = document.activeElement;
  const inside = focus && focus !== document.body && region.contains(focus) ? focus : null;
  const scrolled = [region, ...region.querySelectorAll("[data-keep-scroll], .board, .scroll")]
    .filter((element) => element.scrollTop || element.scrollLeft)
    .map((element) => [element === region ? "" : element.id || element.className.split(" ")[0], element.scrollTop, element.scrollLeft]);
  return { key: inside?.closest("[data-key-id]")?.dataset.keyId, id: inside?.id, scrolled };
}

function recall(region, before) {
  for (const [name, top, left] of before.scrolled) {
    const element = name ? document.getElementById(name) ?? region.querySelector(`.${CSS.escape(name)}`) : region;
    if (element) { element.scrollTop = top; element.scrollLeft = left; }
  }
  const back = (before.key && region.querySelector(`[data-key-id="${CSS.escape(before.key)}"]`)) ||
    (before.id && document.getElementById(before.id));
  back?.focus({ preventScroll: true });
}

async function fetchRegion(region) {
  const answer = await fetch(region.dataset.liveUrl, { headers: { "HX-Request": "true", "X-Live": "1", "X-Background": "1", "HX-Target": region.id } });
  if (answer.status === 204) return null;
  // Signed out meanwhile: the stream must not paint a sign-in page into the board.
  if (answer.redirected || !answer.ok) return null;
  return answer.text();
}

function put(region, html) {
  const outer = region.dataset.liveSwap === "outer";
  const id = region.id;
  const before = remember(region);
  window.htmx.swap(region, html, { swapStyle: outer ? "outerHTML" : "innerHTML", swapDelay: 0, settleDelay: 0 });
  const now = outer ? document.getElementById(id) : region;
  if (!now) return;
  delete now.dataset.stale;
  recall(now, before);
  now.dispatchEvent(new CustomEvent("live:swapped", { bubbles: true }));
}

async function refresh(id) {
  const region = document.getElementById(id);
  if (!region?.dataset.liveUrl) return;
  if (running.has(id)) { running.set(id, "again"); return; }
  if (isBusy(region)) { region.dataset.stale = ""; return; }
  running.set(id, true);
  try {
    const html = await fetchRegion(region);
    const there = document.getElementById(id);
    if (html === null || !there) return;
    if (isBusy(there)) there.dataset.stale = "";
    else put(there, html);
  } catch {
    region.dataset.stale = "";
  } finally {
    const again = running.get(id) === "again";
    running.delete(id);
    if (again) soon(id);
  }
}

function soon(id) {
  clearTimeout(waiting.get(id));
  waiting.set(id, setTimeout(() => { waiting.delete(id); refresh(id); }, GATHER_MS));
}

export function refreshRegions(names) {
  const wanted = Array.isArray(names) ? names : String(names).split(/[\s,]+/);
  for (const region of document.querySelectorAll("[data-live-region][data-live-url]")) {
    const own = region.dataset.liveRegion.split(" ");
    if (region.id && (wanted.includes("all") || own.some((name) => wanted.includes(name)))) soon(region.id);
  }
}

const catchUp = () => document.querySelectorAll("[data-stale]").forEach((region) => soon(region.id));

document.addEventListener("refresh", (event) => refreshRegions(event.detail?.value ?? "all"));
document.addEventListener("focusout", () => setTimeout(catchUp, 60));
document.addEventListener("close", catchUp, true);
document.addEventListener("toggle", catchUp, true);
document.addEventListener("live:free", catchUp);

function poll(on) {
  clearInterval(polling);
  polling = on ? setInterval(() => { if (!document.hidden) refreshRegions("all"); }, POLL_MS) : 0;
}

function hear(data) {
  try {
    const news = JSON.parse(data);
    refreshRegions(news.regions ?? news.region ?? "all");
  } catch {
    refreshRegions("all");
  }
}

function connect(url) {
  const stream = new EventSource(url);
  stream.addEventListener("message", (event) => hear(event.data));
  stream.addEventListener("change", (event) => hear(event.data));
  stream.addEventListener("open", () => {
    poll(false);
    saveState("Live");
    if (wasOff) refreshRegions("all");
    wasOff = false;
  });
  stream.addEventListener("error", () => {
    wasOff = true;
    saveState("Reconnecting", true);
    if (!polling) poll(true);
    // After a refusal the browser does not try again by itself.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => connect(url), POLL_MS);
  });
  addEventListener("pagehide", () => stream.close(), { once: true });
}

if (document.body.dataset.live) connect(document.body.dataset.live);
