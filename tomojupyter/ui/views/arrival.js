// Says that a page is there, and gives names to controls whose label stands beside them:
// ipywidgets knows no aria-label.
const words = (label) => label.textContent.replace(/\u200b/g, "").trim(); // an empty label holds one

function nameOf(control) {
  if (control.type === "checkbox" && control.title) return control.title; // no label stands beside it
  let around = control.parentElement;
  for (let level = 0; around && level < 9 && !around.matches(".tj-form-body"); level += 1) {
    const beside = around.querySelector(".widget-label");
    if (beside && words(beside)) return words(beside);
    around = around.parentElement;
  }
  return control.title || (control.placeholder || "").replace(/\u200b/g, "");
}

function nameAll() {
  const found = document.querySelectorAll(":is(.tj-app, .tj-alone) :is(input, select, textarea, [role=slider]):not([aria-label])");
  for (const control of found) {
    const own = [...(control.labels || [])].filter(words);
    const name = own.length ? words(own[0]) : nameOf(control);
    if (!own.some((label) => label.offsetParent) && name) control.setAttribute("aria-label", name);
  }
}

export default {
  render({ model }) {
    let later = null;
    const watch = new MutationObserver(() => {
      clearTimeout(later);
      later = setTimeout(nameAll, 300);
    });
    watch.observe(document.body, { childList: true, subtree: true });
    nameAll();
    model.send({ kind: "here" });
    return () => { clearTimeout(later); watch.disconnect(); };
  },
};
