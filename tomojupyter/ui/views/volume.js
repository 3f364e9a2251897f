// Tells Python how large the stage of a 3D figure is, as ipyvolume draws in a size of its own, and
// whether this browser has WebGL at all. ipyvolume's tool bar is put out of sight, but for "Reset view".
export default {
  render({ model, el }) {
    const canvas = document.createElement("canvas");
    model.set("webgl", !!(canvas.getContext("webgl2") || canvas.getContext("webgl")));
    let timer = null;
    const stage = () => el.closest(".tj-view3d")?.querySelector(".tj-view3d-stage");
    const size = new ResizeObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const now = [Math.floor(stage().clientWidth), Math.floor(stage().clientHeight)], old = model.get("size");
        if (now[0] < 40 || now[1] < 40 || (now[0] === old[0] && now[1] === old[1])) return;
        model.set("size", now); model.save_changes();
      }, 80);
    });
    const start = () => (stage() ? size.observe(stage()) : setTimeout(start, 50));
    start(); model.save_changes();
    return () => { size.disconnect(); clearTimeout(timer); };
  },
};
