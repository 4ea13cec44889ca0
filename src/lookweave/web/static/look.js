// A part drawn on the look is what the form below it searches for.
const canvas = document.getElementById("canvas");
const drawn = document.getElementById("drawn");
const form = document.getElementById("part");
let start = null;

function place(event) {
  const box = canvas.getBoundingClientRect();
  const inside = (value) => Math.min(1, Math.max(0, value));
  return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button === 0) start = place(event);
});

canvas.addEventListener("pointermove", (event) => {
  if (!start) return;
  const now = place(event);
  if (Math.hypot(now[0] - start[0], now[1] - start[1]) < 0.01) return;
  canvas.setPointerCapture(event.pointerId);
  const [left, right] = [start[0], now[0]].sort((one, other) => one - other);
  const [top, bottom] = [start[1], now[1]].sort((one, other) => one - other);
  const edges = { x: left, y: top, width: right - left, height: bottom - top };
  for (const [name, value] of Object.entries(edges)) drawn.setAttribute(name, value);
  form.box.value = [left, top, right, bottom].map((edge) => edge.toFixed(4)).join(",");
});

function end() {
  if (start && drawn.width.baseVal.value > 0) form.querySelector("button").focus({ preventScroll: true });
  start = null;
}
canvas.addEventListener("pointerup", end);
canvas.addEventListener("pointercancel", end);
canvas.addEventListener("dragstart", (event) => event.preventDefault());
