// A button that takes files, by a click or by a drop anywhere on the panel that it stands in.
export default {
  render({ model, el }) {
    const stop = new AbortController(), options = { signal: stop.signal };
    const button = document.createElement("button"), input = document.createElement("input");
    button.type = "button"; button.className = "tj-drop"; button.title = model.get("tooltip");
    button.innerHTML = '<i class="fa fa-upload" aria-hidden="true"></i>';
    button.append(model.get("description"));
    Object.assign(input, { type: "file", multiple: true, accept: model.get("accept"), hidden: true });
    input.setAttribute("aria-label", model.get("description"));
    el.append(button, input);

    async function send(files) {
      const total = files.reduce((sum, file) => sum + file.size, 0);
      if (!files.length) return;
      if (total > model.get("largest")) { // what is too large is not even read
        const worst = files.reduce((a, b) => (b.size > a.size ? b : a));
        model.send({ type: "large", name: worst.name, size: total });
        return;
      }
      const buffers = await Promise.all(files.map((file) => file.arrayBuffer()));
      model.send({ type: "files", names: files.map((file) => file.name) }, undefined, buffers);
    }
    const mine = (e) => el.isConnected && el.offsetParent && e.target.closest?.(model.get("within"))?.contains(el);
    const carries = (e) => [...(e.dataTransfer?.types || [])].includes("Files");
    const on = (type, act) => document.addEventListener(type, (e) => { if (carries(e)) act(e); }, options);
    // A file that is let go beside the panel would replace the page.
    on("dragover", (e) => { e.preventDefault(); e.dataTransfer.dropEffect = mine(e) ? "copy" : "none"; button.classList.toggle("tj-over", !!mine(e)); });
    on("dragleave", (e) => { if (!e.relatedTarget) button.classList.remove("tj-over"); });
    on("drop", (e) => { e.preventDefault(); button.classList.remove("tj-over"); if (mine(e)) send([...e.dataTransfer.files]); });
    button.addEventListener("click", () => input.click(), options);
    input.addEventListener("change", () => { send([...input.files]); input.value = ""; }, options);
    return () => stop.abort();
  },
};
