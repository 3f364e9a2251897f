// Tells Python how large the stage of a 3D figure is, as ipyvolume draws in a size of its own, and
// whether this browser has WebGL at all, and a graphics card for it. ipyvolume's tool bar is put out of sight, but for "Reset view".
const probe = () => {
  const canvas = document.createElement("canvas"), gl = canvas.getContext("webgl2") || canvas.getContext("webgl");
  const named = gl && gl.getExtension("WEBGL_debug_renderer_info");
  const by = named ? String(gl.getParameter(named.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return { webgl: !!gl, software: /swiftshader|llvmpipe|softpipe|software|basic render/i.test(by) };
};
// Asked once a page: a first context takes a while, which an app lets pass while nobody waits.
const drawing = () => (globalThis.tjDrawing ??= probe());
export default {
  initialize() { drawing(); },
  render({ model, el }) {
    model.set(drawing());
    let timer = null;
    const stage = () => el.closest(".tj-view3d")?.querySelector(".tj-view3d-stage");
    const tell = () => {
      const now = [Math.floor(stage().clientWidth), Math.floor(stage().clientHeight)], old = model.get("size");
      if (now[0] < 40 || now[1] < 40 || (now[0] === old[0] && now[1] === old[1])) return;
      model.set("size", now); model.save_changes();
    };
    const size = new ResizeObserver(() => { clearTimeout(timer); timer = setTimeout(tell, model.get("size")[0] ? 80 : 0); });
    const titled = (e) => e.target.closest(".tj-picture-title") && model.send({ kind: "title" });
    let view = null;
    const start = () => {
      if (!stage()) return void setTimeout(start, 50);
      size.observe(stage());
      view = el.closest(".tj-view3d"); view.addEventListener("dblclick", titled);
    };
    start(); model.save_changes();
    return () => { size.disconnect(); clearTimeout(timer); view?.removeEventListener("dblclick", titled); };
  },
};
