// One picture: canvas, overlay, title bar and slider. Traits and messages are described in picture.py.
// picture_shapes.js stands before this text in the module.
const BLUE = "#56B4E9";
const ICONS = {
  fit: '<path d="M1 5V1h4M9 1h4v4M13 9v4H9M5 13H1V9"/>',
  contrast: '<circle cx="7" cy="7" r="5.6"/><path d="M7 1.4a5.6 5.6 0 0 0 0 11.2z" fill="currentColor"/>',
  colour: '<path d="M7 1.3a5.7 5.7 0 1 0 0 11.4c2.4 0 .3-2.4 1.8-3.2s3.9.6 3.9-2.5A5.7 5.7 0 0 0 7 1.3z"/><path d="M4 7.5h.1M5.2 4.6h.1M8.7 4.3h.1" stroke-linecap="round" stroke-width="2"/>',
};
const CURSORS = { crop: "crosshair", pick: "crosshair", cursor: "crosshair", line: "crosshair" };
const minus = (text) => String(text).replace("-", "−");

function node(tag, cls, parent, attributes = {}) {
  const el = document.createElement(tag);
  if (cls) el.className = cls;
  for (const [k, v] of Object.entries(attributes)) el.setAttribute(k, v);
  if (parent) parent.appendChild(el);
  return el;
}

function written(value, whole) {
  if (!Number.isFinite(value)) return "no value";
  if (whole) return minus(Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u2009"));
  const size = Math.abs(value);
  return minus(size !== 0 && (size >= 1e5 || size < 1e-3) ? value.toExponential(2) : Number(value.toPrecision(4)));
}

class PictureView extends Shapes {
  constructor(model, el) {
    super();
    this.model = model; this.zoom = 1; this.cx = null; this.cy = null; this.local = null; this.drag = null;
    this.interval = 120; this.source = document.createElement("canvas"); this.stop = new AbortController();
    this.build(el);
    const on = (names, act) => names.split(" ").forEach((n) => model.on(`change:${n}`, act, this));
    on("seq", () => { this.read(); this.paint(); this.drawn = true; });
    on("lo hi gamma lut invert", () => { this.painted = false; this.paint(); this.drawHistogram(); });
    on("view_id", () => this.fit());
    on("camera", () => this.aim());
    on("overlays pixel_nm scale_bar", () => { if (!this.drag) this.local = null; this.paint(); });
    on("title subtitle facts badge accent tools slider index message mode", () => this.texts());
    this.resize = new ResizeObserver(() => this.measure());
    this.resize.observe(this.mat);
    this.read(); this.texts(); this.measure(); this.aim();
  }
  get(name) { return this.model.get(name); }
  set(values) { for (const [k, v] of Object.entries(values)) this.model.set(k, v); this.model.save_changes(); }
  send(message) { this.model.send(message); }
  destroy() {
    this.stop.abort(); this.resize.disconnect(); clearInterval(this.player); clearTimeout(this.later);
    this.model.off(null, null, this);
  }

  // ---------------------------------------------------------------- parts
  build(el) {
    this.root = node("div", "tj-pic", el, { tabindex: "0", role: "group", "data-lm-suppress-shortcuts": "true" });
    const bar = node("div", "tj-picture-title", this.root);
    this.badge = node("span", "tj-pic-badge", bar);
    this.title = node("b", "", bar); this.subtitle = node("span", "tj-pic-sub", bar);
    this.facts = node("span", "tj-pic-facts", bar, { "aria-live": "off" });
    this.tools = node("span", "tj-pic-tools", bar);
    this.tool("fit", "Fit to the frame (double click)", () => this.fit(true));
    this.tool("contrast", "Contrast (right drag)", () => this.popover("contrast"));
    this.tool("colour", "Colours", () => this.popover("colour"));
    this.mat = node("div", "tj-pic-mat", this.root);
    this.canvas = node("canvas", "", this.mat); this.over = node("canvas", "tj-pic-over", this.mat);
    this.note = node("div", "tj-pic-note", this.mat);
    this.menu = node("div", "tj-pic-menu", this.root); this.menu.hidden = true;
    this.foot = node("div", "tj-pic-foot", this.root);
    this.playButton = node("button", "tj-pic-play", this.foot, { title: "Play (Space)", tabindex: "-1" });
    this.left = node("span", "", this.foot);
    this.range = node("input", "", this.foot, { type: "range", tabindex: "-1" });
    this.right = node("span", "tj-pic-right", this.foot);
    const listen = (target, type, act) =>
      target.addEventListener(type, act.bind(this), { signal: this.stop.signal, passive: false });
    listen(this.range, "input", () => this.step(Number(this.range.value), true));
    listen(this.range, "pointerdown", () => setTimeout(() => this.root.focus({ preventScroll: true })));
    listen(this.playButton, "click", () => this.play());
    listen(bar, "dblclick", (e) => { if (!e.target.closest("button")) this.send({ type: "title" }); });
    listen(this.root, "keydown", this.key);
    listen(this.over, "wheel", this.wheel);
    listen(this.over, "contextmenu", (e) => e.preventDefault());
    listen(this.over, "pointerdown", this.down); listen(this.over, "pointermove", this.move);
    listen(this.over, "pointerup", this.up); listen(this.over, "pointercancel", this.up);
    listen(this.over, "pointerleave", () => { if (!this.drag) { this.at = null; this.readout(); } });
    listen(this.over, "dblclick", () => this.fit(true));
  }
  tool(name, title, act) {
    const button = node("button", "", this.tools, { title, "aria-label": title, tabindex: "-1" });
    button.innerHTML = `<svg width="14" height="14" viewBox="0 0 14 14">${ICONS[name]}</svg>`;
    button.addEventListener("click", act);
  }
  texts() {
    const slider = this.get("slider"), index = this.get("index"), accent = this.get("accent");
    this.badge.textContent = this.get("badge"); this.badge.hidden = !this.get("badge");
    this.badge.style.background = accent || "#888";
    this.title.textContent = this.get("title"); this.subtitle.textContent = this.get("subtitle");
    this.subtitle.style.color = accent && !this.get("badge") ? accent : "";
    this.root.setAttribute("aria-label", `${this.get("title")} ${this.get("subtitle")}`);
    this.tools.hidden = !this.get("tools"); this.note.textContent = this.get("message");
    this.over.style.cursor = CURSORS[this.get("mode")] || "";
    this.foot.hidden = !slider || slider.min === undefined;
    if (!this.foot.hidden) {
      const k = index - slider.min, part = slider.max > slider.min ? k / (slider.max - slider.min) : 0;
      Object.assign(this.range, { min: slider.min, max: slider.max, value: index });
      this.range.style.setProperty("--part", `${100 * part}%`);
      this.range.style.setProperty("--tj-pic-accent", accent || BLUE);
      this.range.setAttribute("aria-label", slider.name);
      this.left.innerHTML = ""; this.left.append(`${slider.name} `);
      node("b", "", this.left).textContent = (slider.labels || [])[k] ?? index;
      this.right.textContent = slider.notes ? slider.notes[k] : "";
      this.playButton.hidden = !slider.play; this.playButton.classList.toggle("tj-playing", !!this.player);
    }
    this.readout();
  }
  readout() {
    const p = this.at, [ny, nx] = this.get("extent");
    const x = p && Math.round(p.x), y = p && Math.round(p.y);
    if (!p || x < 0 || y < 0 || x >= nx || y >= ny) { this.facts.textContent = this.get("facts"); return; }
    const value = this.value(x, y);
    this.facts.textContent = `x ${x}, y ${y}` + (value === null ? "" : `: ${written(value, this.get("whole"))}`);
  }
  value(x, y) {
    const [h, w] = this.get("shape"), [x0, y0, x1, y1] = this.get("window");
    const i = Math.floor(((x + 0.5 - x0) / (x1 - x0)) * w), j = Math.floor(((y + 0.5 - y0) / (y1 - y0)) * h);
    if (!this.raw || this.get("channels") === 3 || i < 0 || j < 0 || i >= w || j >= h) return null;
    const code = this.raw[j * w + i];
    return code === this.none ? NaN : this.get("offset") + code * this.get("scale");
  }

  // ---------------------------------------------------------------- pixels
  read() {
    const view = this.get("frame"), bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
    const narrow = this.get("channels") === 3 || this.get("depth") === 1;
    this.raw = narrow ? new Uint8Array(bytes) : new Uint16Array(bytes);
    this.none = narrow ? 255 : 65535; // the code of a pixel without a value
    this.painted = false; this.drawHistogram();
  }
  colours() {
    const lut = new Uint8Array(this.get("lut").buffer, this.get("lut").byteOffset, 768), table = new Uint32Array(this.none + 1);
    const { lo, hi, gamma, invert, offset, scale } =
      Object.fromEntries(["lo", "hi", "gamma", "invert", "offset", "scale"].map((n) => [n, this.get(n)]));
    for (let code = 0; code < this.none; code++) {
      let t = hi > lo ? clamp((offset + code * scale - lo) / (hi - lo), 0, 1) : 0.5;
      if (gamma !== 1) t = t ** gamma;
      const k = 3 * Math.round(255 * (invert ? 1 - t : t));
      table[code] = 0xff000000 | (lut[k + 2] << 16) | (lut[k + 1] << 8) | lut[k];
    }
    return table; // the last entry stays transparent: the mat shows where there is no value
  }
  render() {
    const [h, w] = this.get("shape");
    if (!w || !h || this.raw.length < w * h) { this.source.width = 0; return; }
    this.source.width = w; this.source.height = h;
    const image = new ImageData(w, h), out = new Uint32Array(image.data.buffer), raw = this.raw;
    if (this.get("channels") === 3) {
      for (let i = 0; i < out.length; i++) out[i] = 0xff000000 | (raw[3 * i + 2] << 16) | (raw[3 * i + 1] << 8) | raw[3 * i];
    } else {
      const table = this.colours();
      for (let i = 0; i < out.length; i++) out[i] = table[raw[i]];
    }
    this.source.getContext("2d").putImageData(image, 0, 0);
    this.painted = true;
  }
  measure() {
    const W = this.mat.clientWidth, H = this.mat.clientHeight, dpr = window.devicePixelRatio || 1;
    if (!W || !H) return;
    this.W = W; this.H = H;
    for (const c of [this.canvas, this.over]) { c.width = W * dpr; c.height = H * dpr; }
    clearTimeout(this.sizing);
    this.sizing = setTimeout(() => this.set({ screen: [Math.round(W * dpr), Math.round(H * dpr)] }), 200);
    this.draw();
  }
  paint() { if (!this.waiting) { this.waiting = true; requestAnimationFrame(() => { this.waiting = false; this.draw(); }); } }
  place() { // css pixels per image pixel, and where image pixel edge 0 lies
    const [ny, nx] = this.get("extent");
    let sx = (this.W / Math.max(nx, 1)) * this.zoom, sy = (this.H / Math.max(ny, 1)) * this.zoom;
    if (!this.get("stretch")) sx = sy = Math.min(sx, sy);
    const cx = this.cx ?? nx / 2, cy = this.cy ?? ny / 2;
    return { sx, sy, ox: this.W / 2 - cx * sx, oy: this.H / 2 - cy * sy };
  }
  draw() {
    if (!this.W) return;
    if (!this.painted) this.render();
    const g = this.canvas.getContext("2d"), dpr = this.canvas.width / this.W, p = this.place();
    g.setTransform(dpr, 0, 0, dpr, 0, 0); g.clearRect(0, 0, this.W, this.H);
    if (this.source.width) {
      const [x0, y0, x1, y1] = this.get("window");
      g.imageSmoothingEnabled = (p.sx * (x1 - x0)) / this.source.width < 4; g.imageSmoothingQuality = "high";
      g.drawImage(this.source, p.ox + x0 * p.sx, p.oy + y0 * p.sy, (x1 - x0) * p.sx, (y1 - y0) * p.sy);
    }
    this.drawOver(p, dpr);
    this.root.dataset.seq = this.get("seq"); this.root.dataset.zoom = this.zoom.toFixed(2);
  }

  // ---------------------------------------------------------------- pointer
  point(e) {
    const b = this.over.getBoundingClientRect(), p = this.place(), X = e.clientX - b.left, Y = e.clientY - b.top;
    return { X, Y, x: (X - p.ox) / p.sx - 0.5, y: (Y - p.oy) / p.sy - 0.5, p };
  }
  down(e) {
    this.root.focus({ preventScroll: true }); this.menu.hidden = true;
    const q = this.point(e), mode = this.get("mode"), hit = e.button === 0 && !e.shiftKey && this.hit(q);
    const d = { q, X: q.X, Y: q.Y, moved: false, cx: this.cx ?? this.get("extent")[1] / 2, cy: this.cy ?? this.get("extent")[0] / 2 };
    if (e.button === 2) Object.assign(d, { kind: "contrast", lo: this.get("lo"), hi: this.get("hi") });
    else if (hit) Object.assign(d, { kind: "shape", part: hit.part, o: hit.o });
    else if (e.shiftKey || mode === "line") d.kind = "line";
    else if (this.zoom > 1 || e.button === 1) d.kind = "pan";
    else d.kind = mode === "crop" ? "rect" : mode === "cursor" ? "cursor" : "click";
    this.drag = d; this.over.setPointerCapture(e.pointerId);
    if (d.kind === "cursor") this.pick(q);
    if (e.button) e.preventDefault();
  }
  pick(q) { this.send({ type: "pick", x: q.x, y: q.y }); }
  move(e) {
    const q = this.point(e), d = this.drag;
    this.at = q; this.readout();
    if (!d) {
      if (this.get("mode") !== "none" || this.shapes().length) this.over.style.cursor = this.hit(q) ? "move" : CURSORS[this.get("mode")] || "";
      if (this.get("hover")) this.slowly(() => this.send({ type: "hover", x: q.x, y: q.y }));
      return;
    }
    if (Math.hypot(q.X - d.X, q.Y - d.Y) > 3) d.moved = true;
    if (!d.moved && d.kind !== "shape") return;
    const [ny, nx] = this.get("extent");
    if (d.kind === "pan") { this.look(d.cx - (q.X - d.X) / q.p.sx, d.cy - (q.Y - d.Y) / q.p.sy, this.zoom); }
    else if (d.kind === "contrast") {
      const width = (d.hi - d.lo) * Math.exp(((q.X - d.X) / this.W) * 3), level = (d.lo + d.hi) / 2 - ((q.Y - d.Y) / this.H) * (d.hi - d.lo);
      this.contrast(level - width / 2, level + width / 2);
    } else if (d.kind === "cursor") this.slowly(() => this.pick(q));
    else if (d.kind === "line") d.draft = { kind: "line", x0: d.q.x, y0: d.q.y, x1: q.x, y1: q.y, color: "#CC79A7" };
    else if (d.kind === "rect") {
      const cut = (a, b, n) => [Math.min(a, b), Math.max(a, b)].map((v) => clamp(Math.round(v + 0.5), 0, n));
      const [x0, x1] = cut(d.q.x, q.x, nx), [y0, y1] = cut(d.q.y, q.y, ny);
      d.draft = { kind: "rectangle", x0, y0, x1, y1, handles: true };
    } else if (d.kind === "shape") {
      this.local = this.shifted(d.o, d.part, q, d.q, nx, ny);
      this.slowly(() => this.drag && this.local && this.send({ type: "drag", overlay: this.local, done: false }));
    }
    this.paint();
  }
  up(e) {
    const d = this.drag, q = this.point(e);
    this.drag = null; clearTimeout(this.later); this.later = null;
    if (!d) return;
    if (d.kind === "shape" && this.local) { this.send({ type: "drag", overlay: this.local, done: true }); setTimeout(() => { if (!this.drag) this.local = null; this.paint(); }, 500); }
    else if (d.draft && (d.kind !== "rect" || (d.draft.x1 > d.draft.x0 && d.draft.y1 > d.draft.y0))) this.send({ ...d.draft, type: d.kind });
    else if (d.kind === "cursor" || (!d.moved && e.button === 0 && this.get("mode") !== "crop")) this.pick(q);
    if (d.kind === "contrast") this.model.save_changes();
    this.paint();
  }
  slowly(act) { this.act = act; this.later ??= setTimeout(() => { this.later = null; this.act(); }, 45); }
  look(cx, cy, zoom, tell = true) {
    Object.assign(this, { cx, cy, zoom }); this.paint();
    clearTimeout(this.asking);
    if (tell) this.set({ camera: this.camera() });
    if (tell) this.asking = setTimeout(() => {
      const p = this.place(); // half a window more on each side, so that a pan finds pixels
      const at = (v, o, s) => (v - o) / s;
      this.send({ type: "view", window: zoom > 1 ? [at(-this.W / 2, p.ox, p.sx), at(-this.H / 2, p.oy, p.sy), at(1.5 * this.W, p.ox, p.sx), at(1.5 * this.H, p.oy, p.sy)] : null });
    }, 150);
  }
  camera() { // equal cameras show the same part of pictures of any size
    const [ny, nx] = this.get("extent");
    return this.zoom > 1 ? [(this.cx ?? nx / 2) / Math.max(nx, 1), (this.cy ?? ny / 2) / Math.max(ny, 1), this.zoom] : [];
  }
  aim() {
    const c = this.get("camera"), [ny, nx] = this.get("extent");
    if (String(c) === String(this.camera())) return;
    if (c.length) this.look(c[0] * nx, c[1] * ny, c[2]); else this.fit(true);
  }
  fit(tell = false) { this.look(null, null, 1, tell); }
  zoomBy(factor, q = { X: this.W / 2, Y: this.H / 2 }) {
    const zoom = clamp(this.zoom * factor, 1, 64), p = this.place();
    if (zoom === 1) return this.fit(true);
    const x = (q.X - p.ox) / p.sx, y = (q.Y - p.oy) / p.sy, f = zoom / this.zoom;
    return this.look(x - (q.X - this.W / 2) / (p.sx * f), y - (q.Y - this.H / 2) / (p.sy * f), zoom);
  }
  wheel(e) {
    const alone = document.body.dataset.voila || document.activeElement === this.root;
    if (e.ctrlKey) this.zoomBy(e.deltaY < 0 ? 1.25 : 0.8, this.point(e));
    else if (alone && !this.foot.hidden) this.step(this.get("index") + Math.sign(e.deltaY));
    else return;
    e.preventDefault(); e.stopPropagation();
  }
  step(index) {
    const s = this.get("slider"), next = clamp(index, s.min, s.max);
    if (next !== this.get("index")) this.set({ index: next });
  }
  play(on = !this.player) {
    clearInterval(this.player); this.player = on ? setInterval(() => {
      const s = this.get("slider");
      if (this.drawn) { this.drawn = false; this.set({ index: this.get("index") < s.max ? this.get("index") + 1 : s.min }); }
    }, this.interval) : null;
    this.drawn = true; this.texts();
  }
  key(e) {
    const s = this.get("slider"), at = this.get("index"), nudging = this.get("mode") === "nudge";
    const has = s && s.min !== undefined, k = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    if ((e.ctrlKey || e.metaKey) && (k === "z" || k === "y")) { // undo and redo, while a picture has the focus
      this.send({ type: "key", key: `Control+${k}`, shift: e.shiftKey, alt: e.altKey });
      e.preventDefault(); e.stopPropagation(); return;
    }
    if (e.ctrlKey || e.metaKey || ["Tab", "Shift", "Control", "Alt", "Meta"].includes(k)) { e.stopPropagation(); return; }
    const own = {
      c: () => this.contrast(...this.get("auto_range"), true), i: () => this.set({ invert: !this.get("invert") }),
      "+": () => this.zoomBy(1.25), "=": () => this.zoomBy(1.25), "-": () => this.zoomBy(0.8),
    };
    const steps = { a: () => this.step(at - 1), s: () => this.step(at + 1), Home: () => this.step(s.min), End: () => this.step(s.max), 0: () => this.step(s.home ?? s.min), " ": () => this.play() };
    if (!nudging && !e.altKey) Object.assign(steps, { ArrowLeft: steps.a, ArrowRight: steps.s });
    if (this.get("mode") === "cursor") { delete steps.a; delete steps.s; } // S is the side view there
    if (this.player) Object.assign(steps, { q: () => this.pace(1.5), w: () => this.pace(1 / 1.5) });
    const act = own[k] || (has && steps[k]);
    if (act) act(); else this.send({ type: "key", key: e.key, shift: e.shiftKey, alt: e.altKey });
    if (k === "Escape") { this.menu.hidden = true; this.play(false); this.root.blur(); }
    e.preventDefault(); e.stopPropagation();
  }
  pace(f) { this.interval = clamp(this.interval * f, 30, 2000); this.play(true); }

  // ---------------------------------------------------------------- contrast and colours
  contrast(lo, hi, save = false) {
    this.model.set({ lo, hi });
    if (save) this.model.save_changes();
  }
  popover(name) {
    const same = this.menu.dataset.name === name && !this.menu.hidden;
    this.menu.hidden = same; this.menu.dataset.name = name; this.menu.innerHTML = ""; this.histogram = null;
    if (same) return;
    const add = (text, act) => { const b = node("button", "", this.menu, { tabindex: "-1" }); b.textContent = text; b.onclick = act; return b; };
    if (name === "colour") {
      for (const cmap of this.get("cmaps")) add(cmap, () => this.set({ cmap }));
      add("invert", () => this.set({ invert: !this.get("invert") }));
      return;
    }
    const h = (this.histogram = node("canvas", "", this.menu, { width: 232, height: 64 }));
    h.onpointerdown = (e) => { const [a, b] = this.spread(), v = a + (e.offsetX / 232) * (b - a); h.low = Math.abs(v - this.get("lo")) < Math.abs(v - this.get("hi")); h.setPointerCapture(e.pointerId); h.onpointermove(e); };
    h.onpointermove = (e) => { if (!e.buttons) return; const [a, b] = this.spread(), v = a + (e.offsetX / 232) * (b - a); h.low ? this.contrast(Math.min(v, this.get("hi")), this.get("hi")) : this.contrast(this.get("lo"), Math.max(v, this.get("lo"))); };
    h.onpointerup = () => this.model.save_changes();
    add("Auto", () => this.contrast(...this.get("auto_range"), true));
    const keep = add("", () => { this.set({ follow: !this.get("follow") }); say(); });
    const say = () => { keep.textContent = this.get("follow") ? "new for each frame ✓" : "new for each frame"; };
    say(); this.drawHistogram();
  }
  spread() { const [a, b] = this.get("auto_range"), m = (b - a) * 0.3 || 1; return [a - m, b + m]; }
  drawHistogram() {
    if (!this.histogram || this.menu.hidden || this.get("channels") === 3) return;
    const g = this.histogram.getContext("2d"), bins = new Float64Array(116), [a, b] = this.spread();
    for (const code of this.raw) if (code !== this.none) bins[clamp(Math.floor(((this.get("offset") + code * this.get("scale") - a) / (b - a)) * 116), 0, 115)]++;
    const top = Math.log1p(Math.max(...bins)) || 1;
    g.clearRect(0, 0, 232, 64); g.fillStyle = "#8a929c";
    bins.forEach((n, i) => { const y = (62 * Math.log1p(n)) / top; g.fillRect(2 * i, 64 - y, 2, y); });
    g.fillStyle = BLUE;
    for (const v of [this.get("lo"), this.get("hi")]) g.fillRect(clamp(((v - a) / (b - a)) * 232 - 1, 0, 230), 0, 2, 64);
  }
}

export default {
  initialize({ model }) { // once per model, shown or not: says that the frame has come, so the next may be sent
    model.on("change:seq", () => setTimeout(() => model.send({ type: "ack", seq: model.get("seq") })));
  },
  render({ model, el }) {
    const view = new PictureView(model, el);
    return () => view.destroy();
  },
};
