/* Locks a desk that nobody touches: after data-idle minutes the page is emptied and the lock form is sent.
   Names are taken off the page, not covered. Touching any tab of the desk counts for all of them. */

import { announce } from "./announce.js";

const WARN_MS = 30000;
const TELL_SERVER_MS = 240000;
const CHECK_MS = 1000;
const limit = Number(document.body.dataset.idle ?? 0) * 60000;
const others = "BroadcastChannel" in window ? new BroadcastChannel("desk-activity") : null;
let last = Date.now();
let told = 0;
let warned = false;
let served = Date.now();

/* Who reads or types sends no requests: the server hears of her now and then, so that it does not sign her
   out under what she types. Only real input counts, and live updates never do. */
function tellServer() {
  const url = document.body.dataset.stillHere;
  if (!url || Date.now() - served < TELL_SERVER_MS) return;
  served = Date.now();
  fetch(url, { credentials: "same-origin" }).catch(() => {});
}

function touched() {
  last = Date.now();
  warned = false;
  if (last - told < 5000) return;
  told = last;
  tellServer();
  others?.postMessage(last);
}

function lock() {
  const form = document.getElementById("lock-form");
  document.title = "Front Desk";
  document.body.replaceChildren(...(form ? [form] : []));
  if (form) form.submit();
  else location.assign("/");
}

function watch() {
  const idle = Date.now() - last;
  if (idle >= limit) { clearInterval(timer); lock(); }
  else if (!warned && idle >= limit - WARN_MS) {
    warned = true;
    announce("The desk locks in 30 seconds.", { now: true });
  }
}

let timer = 0;
if (limit > 0) {
  for (const kind of ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"]) {
    addEventListener(kind, touched, { passive: true, capture: true });
  }
  others?.addEventListener("message", (event) => { last = Math.max(last, event.data); warned = false; });
  timer = setInterval(watch, CHECK_MS);
}

// A page taken out of the back-forward cache may be older than the sign-out: ask the server again.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
