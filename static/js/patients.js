/* A patient's form: after a refusal the first field at fault has the focus, after a clash of two writers the
   first choice; an empty new form starts at the name. On the record, T goes to the text box that is there already. */

const form = document.querySelector("[data-patient-form]");
const first = form?.querySelector("[aria-invalid=true]") ?? form?.querySelector(".pt-pick input:checked");
first?.focus();
if (!first && form?.matches("[data-new]")) form.querySelector("#id_given").focus();

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-text-here]") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const box = document.querySelector("#conversation .comp textarea");
  if (!box) return;
  event.preventDefault();
  box.focus();
});
