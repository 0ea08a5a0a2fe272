/* A patient's form: after a refusal the first field at fault has the focus. */

document.querySelector("[data-patient-form] [aria-invalid=true]")?.focus();
