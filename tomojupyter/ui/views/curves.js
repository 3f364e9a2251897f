// Puts the SVG that Python drew onto its card, and tells the size of the card, clicks and drags.
export default {
  render({ model, el }) {
    const add = (tag, cls, parent) => { const e = document.createElement(tag); e.className = cls; parent.appendChild(e); return e; };
    const card = add("div", "tj-plot", el), head = add("div", "tj-plot-head", card), paper = add("div", "tj-plot-paper", card);
    const title = add("b", "", head), subtitle = add("span", "", head);
    const texts = () => {
      title.textContent = model.get("title"); subtitle.textContent = model.get("subtitle");
      head.hidden = !title.textContent && !subtitle.textContent;
      card.setAttribute("aria-label", `${title.textContent} ${subtitle.textContent}`);
    };
    const draw = () => { paper.innerHTML = model.get("svg"); paper.style.cursor = model.get("clickable") ? "crosshair" : ""; };
    model.on("change:svg", draw); model.on("change:clickable", draw);
    model.on("change:title", texts); model.on("change:subtitle", texts);
    texts(); draw();
    let timer = null;
    const size = new ResizeObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const now = [Math.round(paper.clientWidth), Math.round(paper.clientHeight)], old = model.get("paper");
        if (now[0] < 40 || now[1] < 30 || (now[0] === old[0] && now[1] === old[1])) return;
        model.set("paper", now); model.save_changes();
      }, 60);
    });
    size.observe(paper);
    let down = null, waiting = null;
    const send = (e, type, more = {}) => {
      const box = paper.getBoundingClientRect(), [w, h] = model.get("paper");
      model.send({ type, px: ((e.clientX - box.left) / box.width) * w, py: ((e.clientY - box.top) / box.height) * h, ...more });
    };
    paper.addEventListener("pointerdown", (e) => { if (model.get("clickable")) { down = { x: e.clientX, moved: false }; paper.setPointerCapture(e.pointerId); } });
    paper.addEventListener("pointermove", (e) => {
      if (!down) return;
      down.moved ||= Math.abs(e.clientX - down.x) > 3;
      if (down.moved) waiting ??= setTimeout(() => { waiting = null; if (down) send(e, "drag", { done: false }); }, 45);
    });
    paper.addEventListener("pointerup", (e) => {
      if (!down) return;
      if (down.moved) send(e, "drag", { done: true }); else send(e, "click");
      down = null;
    });
    return () => { size.disconnect(); clearTimeout(timer); clearTimeout(waiting); };
  },
};
