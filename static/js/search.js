/* Results under the search box while one types. The text goes by POST, so no name ends up in an address or a log.
   Without scripts the form is sent and a page answers. */

const WAIT_MS = 120;

function wire(form) {
  const input = form.querySelector("[role=combobox]");
  const pop = form.querySelector(".srch-pop");
  let earlier = null;
  let timer = 0;
  let asked = "";

  const options = () => [...pop.querySelectorAll("[role=option]")];
  const active = () => pop.querySelector("[aria-selected=true]");

  function mark(option) {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function show(open) {
    pop.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) mark(null);
  }

  async function ask() {
    const text = input.value.trim();
    if (text === asked) { if (text && pop.childElementCount) show(true); return; }
    earlier?.abort();
    asked = text;
    if (!text) { pop.replaceChildren(); show(false); return; }
    earlier = new AbortController();
    try {
      const answer = await fetch(form.dataset.searchUrl, {
        method: "POST", body: new FormData(form), signal: earlier.signal,
        headers: { "HX-Request": "true", "HX-Target": "find-results" },
      });
      if (!answer.ok) { asked = ""; return; }
      pop.innerHTML = await answer.text();
      window.htmx?.process(pop);
      show(true);
      mark(options()[0] ?? null);
    } catch (error) {
      if (error.name !== "AbortError") asked = "";
    }
  }

  function move(by) {
    const all = options();
    if (!all.length) return;
    const at = all.indexOf(active());
    mark(all[(at + by + all.length) % all.length]);
  }

  // What stands there may answer an earlier text: then Enter asks first, and opens only what is the one match.
  async function enter(event) {
    const fresh = input.value.trim() === asked && !pop.hidden;
    const add = pop.querySelector("button[formaction]");
    if (fresh && !active() && add) return; // nobody matches: the form is sent to "Add as new"
    event.preventDefault();
    if (!fresh) {
      clearTimeout(timer);
      await ask();
      if (options().length !== 1) return;
    }
    active()?.click();
  }

  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, WAIT_MS); });
  input.addEventListener("focus", ask);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); if (pop.hidden) ask(); else move(1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); move(-1); }
    else if (event.key === "Escape" && !pop.hidden) { event.preventDefault(); event.stopPropagation(); show(false); }
    else if (event.key === "Escape") { input.value = ""; asked = ""; input.blur(); }
    else if (event.key === "Enter" && input.value.trim()) enter(event);
  });
  document.addEventListener("click", (event) => { if (!form.contains(event.target)) show(false); });
  form.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !form.contains(event.relatedTarget)) show(false);
  });
}

document.querySelectorAll("form[data-search]").forEach(wire);
