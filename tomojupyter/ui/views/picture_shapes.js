// What lies over a picture: lines, rectangles, crosses, tags, contours and the scale bar. Coordinates are
// pixels of the picture, centres at whole numbers; a rectangle has half-open bounds, as a slice has.
const clamp = (v, a, b) => Math.min(Math.max(v, a), b);

class Shapes {
  shapes() { return (this.get("overlays") || []).map((o) => (this.local && o.id === this.local.id ? this.local : o)); }
  ends(o) { // a line in image coordinates; with only x or only y it crosses the whole picture
    const [ny, nx] = this.get("extent");
    if (o.x !== undefined) return [o.x, -0.5, o.x, ny - 0.5];
    if (o.y !== undefined) return [-0.5, o.y, nx - 0.5, o.y];
    return [o.x0, o.y0, o.x1, o.y1];
  }
  drawOver(p, dpr) {
    const g = this.over.getContext("2d"), X = (x) => p.ox + (x + 0.5) * p.sx, Y = (y) => p.oy + (y + 0.5) * p.sy;
    g.setTransform(dpr, 0, 0, dpr, 0, 0); g.clearRect(0, 0, this.W, this.H);
    const stroke = (o, path) => {
      const edge = o.dash ? [] : [["rgba(0,0,0,.55)", 3.5]];
      for (const [colour, width] of [...edge, [o.color || "#FFD400", o.width || 1.5]]) {
        g.beginPath(); path(); g.strokeStyle = colour; g.lineWidth = width; g.setLineDash(o.dash ? [5, 4] : []); g.stroke();
      }
      g.setLineDash([]);
    };
    const dot = (o, x, y) => stroke(o, () => g.arc(x, y, 5, 0, 7));
    const tag = (o, x, y) => {
      const size = o.size || 12;
      g.font = `700 ${size}px sans-serif`; g.textBaseline = "middle";
      const w = g.measureText(o.text).width + 10, left = clamp(x, 2, Math.max(2, this.W - w - 2));
      g.fillStyle = o.color || "#FFD400"; g.beginPath(); g.roundRect(left, y, w, size + 5, 3); g.fill();
      g.fillStyle = "#111"; g.fillText(o.text, left + 5, y + size / 2 + 3);
    };
    for (const o of [...this.shapes(), ...(this.drag?.draft ? [this.drag.draft] : [])]) {
      if (o.kind === "line") {
        const [x0, y0, x1, y1] = this.ends(o);
        stroke(o, () => { g.moveTo(X(x0), Y(y0)); g.lineTo(X(x1), Y(y1)); });
        if (o.handles) for (const t of [0.05, 0.95]) dot(o, X(x0 + t * (x1 - x0)), Y(y0 + t * (y1 - y0)));
        if (o.text) tag(o, X(x0) + 4, Math.max(Y(y0), 0) + 6);
      } else if (o.kind === "rectangle") {
        const e = [o.x0 - 0.5, o.y0 - 0.5, o.x1 - 0.5, o.y1 - 0.5];
        stroke(o, () => g.rect(X(e[0]), Y(e[1]), X(e[2]) - X(e[0]), Y(e[3]) - Y(e[1])));
        g.fillStyle = o.color || "#FFD400";
        if (o.handles) for (const [i, j] of this.corners(o)) g.fillRect(X(i - 0.5) - 4, Y(j - 0.5) - 4, 8, 8);
        if (o.text) tag(o, X(e[0]) + 4, Y(e[1]) + 4);
      } else if (o.kind === "cross") {
        stroke(o, () => { const x = X(o.x), y = Y(o.y); g.moveTo(x - 8, y); g.lineTo(x + 8, y); g.moveTo(x, y - 8); g.lineTo(x, y + 8); });
      } else if (o.kind === "tag") tag(o, X(o.x), Y(o.y));
      else if (o.kind === "contour") stroke(o, () => o.points.forEach(([x, y], i) => (i ? g.lineTo(X(x), Y(y)) : g.moveTo(X(x), Y(y)))));
    }
    if (this.get("scale_bar") && this.get("shape")[1] > 1) this.drawBar(g, p);
  }
  corners(o) {
    const mx = (o.x0 + o.x1) / 2, my = (o.y0 + o.y1) / 2;
    return [[o.x0, o.y0], [mx, o.y0], [o.x1, o.y0], [o.x1, my], [o.x1, o.y1], [mx, o.y1], [o.x0, o.y1], [o.x0, my]];
  }
  drawBar(g, p) {
    const nm = this.get("pixel_nm"), unit = nm || 1, wide = Math.min(this.W, this.get("extent")[1] * p.sx);
    let best = null;
    for (let k = -4; k < 9; k++) for (const m of [1, 2, 5]) {
      const length = m * 10 ** k, part = ((length / unit) * p.sx) / wide;
      if (part <= 0.32 && (nm || length >= 1)) best = length;
    }
    if (!best) return;
    const w = (best / unit) * p.sx, x = Math.max(p.ox, 0) + 9, high = this.get("extent")[0] * p.sy;
    const y = (high < 60 ? this.H : Math.min(p.oy + high, this.H)) - 13;
    const text = nm ? (best >= 1000 ? `${best / 1000} µm` : `${Number(best.toPrecision(3))} nm`) : `${best} px`;
    g.font = "700 11.5px sans-serif"; g.textBaseline = "alphabetic"; g.lineJoin = "round";
    g.strokeStyle = "rgba(0,0,0,.8)"; g.lineWidth = 3; g.strokeText(text, x, y - 5); g.strokeRect(x, y, w, 4);
    g.fillStyle = "#fff"; g.fillText(text, x, y - 5); g.fillRect(x, y, w, 4);
  }

  hit(q) { // the shape under the pointer and its part: an end, a corner, or the whole
    const near = (x, y, r = 8) => Math.hypot((x - q.x) * q.p.sx, (y - q.y) * q.p.sy) < r;
    const [ny, nx] = this.get("extent"); // a rectangle over everything cannot move: a drag inside draws another
    const full = (o) => this.get("mode") === "crop" && o.x0 <= 0 && o.y0 <= 0 && o.x1 >= nx && o.y1 >= ny;
    for (const o of this.shapes().filter((s) => s.id !== undefined && (s.handles || s.drag)).reverse()) {
      if (o.kind === "rectangle") {
        const k = this.corners(o).findIndex(([i, j]) => near(i - 0.5, j - 0.5));
        if (k >= 0) return { o, part: k };
        const inX = q.x > o.x0 - 0.5 && q.x < o.x1 - 0.5, inY = q.y > o.y0 - 0.5 && q.y < o.y1 - 0.5;
        const on = (a, b, s) => o.handles && Math.abs(a - b + 0.5) * s < 6; // its sides, as numbered in corners()
        const side = [[1, inX && on(q.y, o.y0, q.p.sy)], [3, inY && on(q.x, o.x1, q.p.sx)], [5, inX && on(q.y, o.y1, q.p.sy)], [7, inY && on(q.x, o.x0, q.p.sx)]].find((s) => s[1]);
        if (side) return { o, part: side[0] };
        if (inX && inY && !full(o)) return { o, part: "all" };
      } else if (o.kind === "line") {
        const [x0, y0, x1, y1] = this.ends(o), dx = x1 - x0, dy = y1 - y0;
        const t = clamp(((q.x - x0) * dx + (q.y - y0) * dy) / (dx * dx + dy * dy || 1), 0, 1);
        if (near(x0 + t * dx, y0 + t * dy)) return { o, part: o.handles && (t < 0.15 || t > 0.85) ? (t < 0.5 ? "start" : "end") : "all" };
      } else if (near(o.x, o.y, 12)) return { o, part: "all" };
    }
    return null;
  }
  shifted(o, part, q, from, nx, ny) {
    const s = { ...o }, dx = q.x - from.x, dy = q.y - from.y;
    if (o.kind === "rectangle") {
      const sides = part === "all" ? "" : ["x0y0", "y0", "x1y0", "x1", "x1y1", "y1", "x0y1", "x0"][part];
      const free = part === "all", mx = clamp(Math.round(dx), -o.x0, nx - o.x1), my = clamp(Math.round(dy), -o.y0, ny - o.y1);
      if (free) return { ...s, x0: o.x0 + mx, x1: o.x1 + mx, y0: o.y0 + my, y1: o.y1 + my };
      if (sides.includes("x0")) s.x0 = clamp(Math.round(o.x0 + dx), 0, o.x1 - 1);
      if (sides.includes("x1")) s.x1 = clamp(Math.round(o.x1 + dx), o.x0 + 1, nx);
      if (sides.includes("y0")) s.y0 = clamp(Math.round(o.y0 + dy), 0, o.y1 - 1);
      if (sides.includes("y1")) s.y1 = clamp(Math.round(o.y1 + dy), o.y0 + 1, ny);
    } else if (part === "start" || part === "end") { // turn about the middle, keep the length
      const mx = (o.x0 + o.x1) / 2, my = (o.y0 + o.y1) / 2, half = Math.hypot(o.x1 - o.x0, o.y1 - o.y0) / 2;
      const sign = part === "end" ? 1 : -1, angle = Math.atan2(sign * (q.y - my), sign * (q.x - mx));
      Object.assign(s, { x0: mx - half * Math.cos(angle), y0: my - half * Math.sin(angle), x1: mx + half * Math.cos(angle), y1: my + half * Math.sin(angle) });
    } else for (const [k, v] of Object.entries({ x: dx, x0: dx, x1: dx, y: dy, y0: dy, y1: dy })) if (o[k] !== undefined && !(o.fix || "").includes(k[0])) s[k] = o[k] + v;
    return s;
  }
}
