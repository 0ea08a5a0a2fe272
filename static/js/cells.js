/* Weeks and months as tables of cells: one tab stop, arrows between cells, `.` to today's. Without this file every
   cell is a link of its own. */

import { onKey } from "./keys.js";

let stop = "";

const rows = (table) => [...table.querySelectorAll("tbody tr")].map((row) => [...row.querySelectorAll("a.wcell")]);
const place = (cell) => `${cell.closest("tr").rowIndex}:${cell.closest("td").cellIndex}`;

function rove(table, chosen) {
  const cells = [...table.querySelectorAll("a.wcell")];
  const one = chosen ?? cells.find((cell) => place(cell) === stop) ?? table.querySelector("[data-now]") ?? cells[0];
  for (const cell of cells) cell.tabIndex = cell === one ? 0 : -1;
  if (one) stop = place(one);
  return one;
}

function next(table, from, key) {
  const grid = rows(table);
  const y = grid.findIndex((row) => row.includes(from));
  const x = grid[y].indexOf(from);
  if (key === "Home") return grid[y][0];
  if (key === "End") return grid[y].at(-1);
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  // At the end of a week the next one begins, as in a calendar on the wall.
  const flat = grid.flat();
  return dy ? grid[y + dy]?.[x] : flat[flat.indexOf(from) + dx];
}

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest?.("[data-cells] a.wcell");
  if (!cell || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const table = cell.closest("[data-cells]");
  const to = next(table, cell, event.key);
  if (to) { rove(table, to); to.focus(); }
}, true);
document.addEventListener("focusin", (event) => {
  const cell = event.target.closest?.("[data-cells] a.wcell");
  if (cell && place(cell) !== stop) rove(cell.closest("[data-cells]"), cell);
});
const all = () => document.querySelectorAll("[data-cells]");
document.addEventListener("live:swapped", () => all().forEach((table) => rove(table)));
all().forEach((table) => rove(table));
if (!document.getElementById("board")) {
  onKey(".", "Go to today", () => {
    const now = document.querySelector("[data-cells] [data-now]");
    if (now) { rove(now.closest("[data-cells]"), now); now.focus(); } else document.getElementById("to-today")?.click();
  });
}
