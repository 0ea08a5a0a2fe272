// Keeps the lists of a page fresh without touching what is typed, focused or selected.
"use strict";

const EVERY = 2000;

function key(item) {
  return item.dataset.key;
}

// Brings one list up to date item by item, so that untouched items keep focus and selection.
function refresh(list, fresh) {
  const old = new Map([...list.children].map((item) => [key(item), item]));
  let place = list.firstElementChild;
  for (const item of [...fresh.children]) {
    const known = old.get(key(item));
    old.delete(key(item));
    if (!known) {
      list.insertBefore(item, place);
      continue;
    }
    if (known !== place) list.insertBefore(known, place);
    else place = place.nextElementSibling;
    update(known, item);
  }
  for (const gone of old.values()) gone.remove();
}

function update(known, item) {
  if (known.outerHTML === item.outerHTML) return;
  known.className = item.className;
  const live = known.querySelector("[data-live]");
  const next = item.querySelector("[data-live]");
  if (live && next && known.firstElementChild.outerHTML === item.firstElementChild.outerHTML) {
    live.innerHTML = next.innerHTML;
  } else if (known.innerHTML !== item.innerHTML) {
    const held = known.contains(document.activeElement);
    known.innerHTML = item.innerHTML;
    if (held) known.querySelector("a, button")?.focus();
  }
}

function atEnd(list) {
  return list.scrollHeight - list.scrollTop - list.clientHeight < 60;
}

function toEnd(list) {
  list.scrollTop = list.scrollHeight;
}

function show(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const list of document.querySelectorAll("[data-keep]")) {
    const fresh = page.getElementById(list.id);
    if (!fresh) continue;
    const stay = list.classList.contains("talk") && atEnd(list);
    const focused = list.contains(document.activeElement) ? document.activeElement : null;
    refresh(list, fresh);
    if (focused && focused.isConnected && document.activeElement !== focused) {
      focused.focus({ preventScroll: true });
    }
    if (stay) toEnd(list);
  }
}

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href.split("#")[0]);
    if (answer.ok) show(await answer.text());
  } catch {
    // The supplier is not there at the moment; the next look may find it again.
  }
}

function fieldsOf(form, button) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, button)) fields.append(name, value);
  return fields;
}

async function send(event) {
  event.preventDefault();
  const form = event.target;
  const field = form.elements.body;
  const fields = fieldsOf(form, event.submitter);
  const quick = fields.has("quick");
  if (!quick && !field.value.trim() && !fields.has("enclosed")) return;
  const typed = field.value;
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields });
    if (!answer.ok) return form.submit();
    if (!quick && field.value === typed) field.value = "";
    if (!quick) for (const box of form.querySelectorAll("[name=enclosed]")) box.checked = false;
    show(await answer.text());
    const talk = document.getElementById("talk");
    if (talk) toEnd(talk);
  } catch {
    form.submit();
  }
  if (!quick) field.focus();
}

// A call's buttons: the page stays, and with it what is half typed elsewhere.
async function play(event) {
  const form = event.target;
  event.preventDefault();
  try {
    const answer = await fetch(form.action, { method: "POST", body: fieldsOf(form, event.submitter) });
    if (form.elements.words) form.elements.words.value = "";
    show(await answer.text());
  } catch {
    location.reload();
  }
}

for (const list of document.querySelectorAll(".talk")) toEnd(list);
const form = document.querySelector("form[data-send]");
if (form) {
  form.addEventListener("submit", send);
  form.elements.body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit(form.elements.send);
    }
  });
}
document.getElementById("calls")?.addEventListener("submit", play);
setInterval(look, EVERY);
document.addEventListener("visibilitychange", look);
