// Choosing a range of time by dragging over a chart, with mouse, pen or finger. The form above the
// charts does the same by keyboard: dragging only fills it in and sends it.
(() => {
  const LEAST = 6; // pixels: less is a click, not a range
  let drag = null;

  const within = (event, box) => Math.min(Math.max(event.clientX - box.left, 0), box.width);

  function draw() {
    const left = Math.min(drag.from, drag.to);
    const width = Math.abs(drag.to - drag.from);
    for (const brush of drag.brushes) {
      brush.style.left = `${(left / drag.box.width) * 100}%`;
      brush.style.width = `${(width / drag.box.width) * 100}%`;
    }
  }

  function begin(event) {
    const plot = event.target.closest("[data-plot]");
    if (!plot || event.button) return;
    const axis = plot.closest("[data-axis]");
    const box = plot.getBoundingClientRect();
    const at = within(event, box);
    drag = { axis, box, from: at, to: at, pointer: event.pointerId, brushes: [] };
  }

  function move(event) {
    if (!drag || event.pointerId !== drag.pointer) return;
    drag.to = within(event, drag.box);
    if (!drag.brushes.length) {
      if (Math.abs(drag.to - drag.from) < LEAST) return;
      for (const plot of drag.axis.querySelectorAll("[data-plot]")) {
        const brush = document.createElement("div");
        brush.className = "brush";
        plot.append(brush);
        drag.brushes.push(brush);
      }
    }
    draw();
    event.preventDefault();
  }

  function end(event) {
    if (!drag || event.pointerId !== drag.pointer) return;
    const { axis, box, from, to, brushes } = drag;
    for (const brush of brushes) brush.remove();
    drag = null;
    if (!brushes.length || event.type === "pointercancel") return;
    // The click that ends a drag over a bar is no visit to its page.
    addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
    setTimeout(() => choose(axis, box, Math.min(from, to), Math.max(from, to)));
  }

  function choose(axis, box, left, right) {
    const start = Number(axis.dataset.start);
    const seconds = Number(axis.dataset.end) - start;
    const digits = seconds > 600 ? 1 : 2;
    const second = (pixel) => (start + (pixel / box.width) * seconds).toFixed(digits);
    const form = document.querySelector("form[data-range]");
    form.elements.from.value = second(left);
    form.elements.to.value = second(right);
    form.requestSubmit();
  }

  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
  document.addEventListener("dragstart", (event) => {
    if (event.target.closest("[data-plot]")) event.preventDefault();
  });

  // A log that grows all day keeps its newest lines; the older ones have their own page.
  document.addEventListener("htmx:afterSettle", (event) => {
    const log = event.target.closest?.("[data-most]");
    while (log && log.children.length > Number(log.dataset.most)) log.firstElementChild.remove();
  });
})();
