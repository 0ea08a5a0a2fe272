/* The dialog of columns: arrows and dragging move a line at once, nothing is sent before Save. Without this file the
   arrows send the form and the page comes back in the new order. */

import { announce } from "./announce.js";

let drag = null;

const nameOf = (line) => line.querySelector("label b").textContent;
const lines = (list) => [...list.children];

function tell(line) {
  const all = lines(line.parentElement);
  announce(`${nameOf(line)} is number ${all.indexOf(line) + 1} of ${all.length}.`);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-columns] button[name=move]");
  if (!button) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const line = button.closest("li");
  const up = button.value.startsWith("up:");
  const other = up ? line.previousElementSibling : line.nextElementSibling;
  if (!other) return;
  if (up) other.before(line); else other.after(line);
  button.focus();
  tell(line);
}, true);

document.addEventListener("pointerdown", (event) => {
  const line = event.target.closest?.("[data-columns] [data-grip]")?.closest("li");
  if (!line || event.button !== 0) return;
  event.preventDefault();
  drag = { line, pointer: event.pointerId };
  line.setPointerCapture(event.pointerId);
  line.classList.add("moving");
});
document.addEventListener("pointermove", (event) => {
  if (drag?.pointer !== event.pointerId) return;
  const over = lines(drag.line.parentElement).find((each) => {
    const box = each.getBoundingClientRect();
    return event.clientY >= box.top && event.clientY < box.bottom;
  });
  if (!over || over === drag.line) return;
  const after = drag.line.compareDocumentPosition(over) & Node.DOCUMENT_POSITION_FOLLOWING;
  if (after) over.after(drag.line); else over.before(drag.line);
});
function drop(event) {
  if (drag?.pointer !== event.pointerId) return;
  drag.line.classList.remove("moving");
  tell(drag.line);
  drag = null;
}
document.addEventListener("pointerup", drop);
document.addEventListener("pointercancel", drop);
