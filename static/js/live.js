/* Keeps the page current when other people work. The stream (data-live on the body) only says which region of
   which practice changed; the region is then fetched from its data-live-url, so what may be seen is decided in
   one place. News of another practice than the page's (data-practice) concern the regions with data-live-all.
   A region with data-live-now is fetched at once when the page is there.
   News may be narrower, `appointments:<day>:<clinician>`: a region of another data-live-scope than the day
   ignores it, one whose parts are drawn (data-live-part inside data-live-parts) fetches these parts only.
   A region is never replaced while it holds a focused field, an unsaved entry, an open dialog or a drag:
   it is marked stale and refreshed when that ends. The focus on a card (data-key-id) is put back. */

import { saveState } from "./announce.js";
import { isField } from "./keys.js";

const POLL_MS = 20000;
const GATHER_MS = 150;
const waiting = new Map(); // element id → timer
const running = new Map(); // element id → true, or "again" when news came meanwhile
const wanted = new Map(); // element id → the parts to fetch, or WHOLE
const WHOLE = "whole";
let polling = 0;
let wasOff = false;

export function unsaved(field) {
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

/* Adds to what a region fetches next; without parts it is everything. */
function want(id, parts) {
  const before = wanted.get(id);
  wanted.set(id, parts && before !== WHOLE ? new Set([...(before ?? []), ...parts]) : WHOLE);
}

/* Where to fetch: the parts, if all of them are drawn, else the region. */
function address(region, parts) {
  const holder = parts === WHOLE ? null : region.querySelector("[data-live-parts]");
  const drawn = (part) => holder.querySelector(`[data-live-part="${CSS.escape(part)}"]`);
  if (!holder || ![...parts].every(drawn)) return region.dataset.liveUrl;
  const url = new URL(region.dataset.liveUrl, location.href);
  url.searchParams.set("fragment", "column");
  for (const part of parts) url.searchParams.append("who", part);
  return `${url}&${holder.dataset.liveParts}`;
}

async function fetchRegion(region, parts) {
  const answer = await fetch(address(region, parts), { headers: { "HX-Request": "true", "X-Live": "1", "X-Background": "1", "HX-Target": region.id } });
  if (answer.status === 204) return null;
  // Signed out meanwhile: the stream must not paint a sign-in page into the board.
  if (answer.redirected || !answer.ok) return null;
  return { html: await answer.text(), inParts: answer.headers.has("X-Live-Parts") };
}

/* Parts come out of band, each with the id of what it replaces. */
function put(region, { html, inParts }) {
  const outer = region.dataset.liveSwap === "outer";
  const id = region.id;
  const before = remember(region);
  window.htmx.swap(region, html, { swapStyle: inParts ? "none" : outer ? "outerHTML" : "innerHTML", swapDelay: 0, settleDelay: 0 });
  const now = outer && !inParts ? document.getElementById(id) : region;
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
  const parts = wanted.get(id) ?? WHOLE;
  wanted.delete(id);
  try {
    const answer = await fetchRegion(region, parts);
    const there = document.getElementById(id);
    if (answer === null || !there) return;
    if (isBusy(there)) { want(id, parts === WHOLE ? null : parts); there.dataset.stale = ""; } else put(there, answer);
  } catch {
    want(id, null);
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

/* What of a list of names concerns a region: WHOLE, a list of parts, or null. */
function concern(region, names) {
  const own = region.dataset.liveRegion.split(" ");
  const { liveScope: scope } = region.dataset;
  const parts = [];
  for (const name of names) {
    const [base, of, part] = name.split(":");
    if (name !== "all" && !own.includes(base)) continue;
    if (!scope || !part) return WHOLE;
    if (of === scope) parts.push(part);
  }
  return parts.length ? parts : null;
}

/* News of a stream name their practice; a response's own are the page's. */
const concerns = (region, practice) =>
  !practice || practice === document.body.dataset.practice || region.hasAttribute("data-live-all");

export function refreshRegions(names, practice = "") {
  const changed = Array.isArray(names) ? names : String(names).split(/[\s,]+/);
  for (const region of document.querySelectorAll("[data-live-region][data-live-url]")) {
    const mine = region.id && concerns(region, practice) && concern(region, changed);
    if (!mine) continue;
    want(region.id, mine === WHOLE ? null : mine);
    soon(region.id);
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
    refreshRegions(news.regions ?? news.region ?? "all", news.practice);
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

for (const region of document.querySelectorAll("[data-live-now][data-live-url]")) refresh(region.id);
if (document.body.dataset.live) connect(document.body.dataset.live);
