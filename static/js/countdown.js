/* Times that run: data-expires counts down ("2:41"), data-since counts up ("14m", "2:14"), the board's now line moves.
   Measured by the server's clock (data-now on the body), because a desk's computer may be minutes off. */

const TICK_MS = 1000;
const LINE_MS = 30000;
const skew = Date.parse(document.body.dataset.now ?? "") - Date.now() || 0;

export const serverNow = () => Date.now() + skew;

function down(element) {
  const left = Math.max(0, Math.ceil((Date.parse(element.dataset.expires) - serverNow()) / 1000));
  element.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  if (left || element.dataset.done) return;
  element.dataset.done = "1";
  const holder = element.closest("[data-change]") ?? element.parentElement;
  for (const closing of holder.querySelectorAll("[data-while-open]")) closing.hidden = true;
  element.parentElement.hidden = holder.matches("[data-change]");
  element.dispatchEvent(new CustomEvent("expired", { bubbles: true }));
}

function up(element) {
  const seconds = Math.max(0, Math.floor((serverNow() - Date.parse(element.dataset.since)) / 1000));
  if (element.dataset.sinceForm === "clock") {
    element.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    return;
  }
  const minutes = Math.floor(seconds / 60);
  const text = `${minutes}${element.dataset.sinceForm === "long" ? " min" : "m"}`;
  if (element.textContent !== text) element.textContent = text;
}

function line(element) {
  const steps = (serverNow() - Date.parse(element.dataset.dayStart)) / 300000;
  element.hidden = steps < 0 || steps > Number(element.dataset.steps ?? 288);
  element.style.setProperty("--s", steps.toFixed(2));
  const words = element.querySelector("b");
  const zone = element.dataset.zone || undefined;
  const format = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", timeZone: zone });
  if (words) words.textContent = format.format(serverNow()).replace(/\s?[AP]M$/, "");
}

function tick() {
  if (document.hidden) return;
  document.querySelectorAll("[data-expires]").forEach(down);
  document.querySelectorAll("[data-since]").forEach(up);
}

const lines = () => document.querySelectorAll("[data-now-line]").forEach(line);

setInterval(tick, TICK_MS);
setInterval(lines, LINE_MS);
tick();
lines();
document.addEventListener("htmx:afterSettle", () => { tick(); lines(); });
document.addEventListener("visibilitychange", () => { tick(); lines(); });
