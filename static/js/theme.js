/* Changes between light and dark at once; the choice itself is kept by the server, where it follows the person. */

const root = document.documentElement;

function current() {
  if (root.dataset.theme) return root.dataset.theme;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function show(theme) {
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-prefs]");
  const button = event.submitter;
  if (!form || button?.name !== "theme") return;
  event.preventDefault();
  const theme = "themeToggle" in button.dataset ? (current() === "dark" ? "light" : "dark") : button.value;
  show(theme);
  const body = new FormData(form);
  body.set("theme", theme);
  fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" }, redirect: "manual" }).catch(() => {});
});
