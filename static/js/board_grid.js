/* The board as a grid: columns are clinicians, rows are steps of five minutes from the first hour drawn. */

export const STEP_MINUTES = 5;

export const board = () => document.getElementById("board");
export const columns = () => [...(board()?.querySelectorAll(".bcol") ?? [])];
/* Where a visit can be moved to: not a room's column. */
export const targets = () => [...(board()?.querySelectorAll(".bcol[data-practitioner]") ?? [])];
export const dayOf = (column) => column.dataset.day ?? board().dataset.day;
export const isVisit = (element) => Boolean(element?.matches?.(".ap[data-v]"));
export const isAlso = (element) => Boolean(element?.matches?.(".ap.also"));
export const isFree = (element) => Boolean(element?.matches?.(".ap.free"));
export const idOf = (card) => card.dataset.for ?? card.id.replace("visit-", "");
export const nameOf = (card) => card.querySelector(".n")?.textContent ?? "";
export const isDrawn = () => Boolean(board()) && getComputedStyle(board()).display === "grid";

function step(element, letter) {
  const moved = element.style.getPropertyValue(`--${letter}`);
  if (moved) return Number(moved);
  return Number(new RegExp(`(?:^|\\s)${letter}-(\\d+)`).exec(element.className)?.[1] ?? 0);
}

export const startOf = (element) => step(element, "s");
export const lengthOf = (element) => step(element, "d") || 1;
export const stepsOfDay = () => lengthOf(board());
export const stepHeight = () => columns()[0].getBoundingClientRect().height / stepsOfDay();

const minutesAt = (start) => Number(board().dataset.from) + start * STEP_MINUTES;

export function clockAt(start) {
  const minutes = minutesAt(start);
  return `${Math.floor(minutes / 60) % 12 || 12}:${String(minutes % 60).padStart(2, "0")}`;
}

/* The wall-clock time that the server reads: 2026-06-09T11:30. */
export function isoAt(start, column) {
  const minutes = minutesAt(start);
  const two = (number) => String(number).padStart(2, "0");
  return `${dayOf(column)}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const overlaps = (element, start, length) =>
  startOf(element) < start + length && start < startOf(element) + lengthOf(element);

/* Why a visit cannot stand at a place, in words; empty when it can. The server has the last word. */
export function refusal(column, start, length, own) {
  if ([...column.querySelectorAll(".blk")].some((block) => overlaps(block, start, length))) return "closed";
  const other = [...column.querySelectorAll(".ap[data-v]:not(.st-bad), .ap.also, .ap.held")]
    .find((card) => card !== own && overlaps(card, start, length));
  return other ? `taken by ${nameOf(other)}` : "";
}

export const stops = (root = board()) => [...(root?.querySelectorAll(".ap[data-v], .ap.free, .ap.also") ?? [])];

/* The stop of another column that is nearest in time. */
export function nearest(column, start) {
  const away = (element) => {
    const from = startOf(element);
    return from <= start && start < from + lengthOf(element) ? 0 : Math.abs(from - start) + 1;
  };
  return stops(column).reduce((best, element) => (!best || away(element) < away(best) ? element : best), null);
}
