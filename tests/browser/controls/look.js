// What a test asks of a page: its controls, what they show, and how the kernel is.
({
  // Mark and return what can be used below a root: [{key, kind, hook, said, on}].
  collect(root) {
    const panels = "load|trim|filter|register|tiltaxis|reconstruct|spectral|explore|history|batch";
    const hook = new RegExp(`^tj-(${panels}|top|status|view|rail|resume)-`);
    const all = ":is(button, select, input, textarea, [role=slider])";
    const hooks = (e) => [...e.classList].filter((c) => hook.test(c)).join(".");
    const around = (e) => {
      for (let a = e; a && !a.matches(root); a = a.parentElement) if (hooks(a)) return [hooks(a), a];
      return ["", null];
    };
    const kindOf = (e) => {
      if (e.tagName === "BUTTON") return e.classList.contains("tj-drop") ? "upload" : "button";
      if (e.tagName === "SELECT") return "choice";
      if (e.tagName === "TEXTAREA") return "text";
      if (e.getAttribute("role") === "slider") return "slider";
      return { checkbox: "tick", number: "number", range: "slider" }[e.type] || "text";
    };
    const seen = (e) => {
      const box = e.getBoundingClientRect();
      return e.offsetParent && box.width > 0 && box.height > 0 && e.type !== "file" &&
        getComputedStyle(e).visibility === "visible" && !e.closest(".tj-view3d-figure");
    };
    for (const e of document.querySelectorAll("[data-test-key]")) delete e.dataset.testKey;
    const found = [], times = {};
    for (const e of document.querySelectorAll(`${root} ${all}`)) {
      if (!seen(e) || e.disabled) continue;
      const [name, place] = around(e), kind = kindOf(e);
      const shared = /-(method|more)$/.test(name); // a panel has one for each of its forms
      const alone = !shared && place && [...place.querySelectorAll(all)].filter(seen).length < 2;
      const own = kind === "choice" ? "" : e.innerText.trim();
      const entries = shared && kind === "choice" ? [...e.options].map((o) => o.label).join() : "";
      const said = entries || e.getAttribute("aria-label") || own || e.title || e.placeholder || "";
      let key = `${kind} ${name}` + (alone ? "" : ` "${said.replace(/\s+/g, " ").trim().slice(0, 60)}"`);
      times[key] = (times[key] || 0) + 1;
      if (times[key] > 1) key += ` (${times[key]})`;
      e.dataset.testKey = key;
      const on = e.classList.contains("mod-active");
      found.push({ key, kind, hook: name, said, on });
    }
    return found;
  },

  // Pictures that were drawn and are of one colour.
  empty(root) {
    const flat = (c) => {
      const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
      return d.every((v, i) => i % 4 === 3 || v === d[i % 4]);
    };
    return [...document.querySelectorAll(`${root} .tj-pic[data-seq]`)]
      .filter((e) => e.offsetParent && e.querySelector("canvas")?.width > 0 && e.dataset.seq !== "0")
      .filter((e) => !e.querySelector(".tj-pic-note").textContent && flat(e.querySelector("canvas")))
      .map((e) => e.innerText.replace(/\s+/g, " "));
  },

  // Everything that can be seen of a panel, to tell whether a press did anything.
  snapshot(root) {
    const values = [...document.querySelectorAll(`${root} :is(input, select, textarea)`)];
    const drawn = [...document.querySelectorAll(`${root} .tj-pic`)];
    return [
      (document.querySelector(root)?.innerHTML || "").replace(/data-test-key="[^"]*"/g, ""),
      ...values.map((e) => `${e.value} ${e.checked}`),
      ...drawn.map((e) => e.dataset.seq + e.dataset.zoom),
      document.querySelector(".tj-status")?.innerText,
    ].join("|");
  },

  // Ask the kernel, which answers after all that was sent before: its state and the page's texts.
  async ask(root, count) {
    const pong = document.querySelector(".tj-test-pong");
    document.querySelector(".tj-test-ping").click();
    const until = Date.now() + 40000;
    let state = {};
    while (!(state.count >= count)) {
      if (Date.now() > until) return null;
      await new Promise((later) => setTimeout(later, 15));
      state = JSON.parse(pong.innerText);
    }
    const parts = [...document.querySelectorAll(".tj-panel, .tj-top, .tj-rail, .tj-status")];
    const classes = new Set([...document.querySelectorAll(".tj-app *")].flatMap((e) => [...e.classList]));
    state.text = parts.map((e) => e.innerText).join(" ").replace(/\nNone\n/g, "\n"); // a button
    state.here = !!document.querySelector(root)?.offsetParent;
    state.classes = [...classes].filter((c) => c.startsWith("tj-"));
    return state;
  },
})
