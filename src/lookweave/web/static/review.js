// The review desk. Each answer is committed on the server before the next pair is shown.
import { actionOf, showBindings, showKeys } from "./keys.js";
import { clearPoints, drawPoints } from "./points.js";

const desk = document.getElementById("desk");
const state = document.getElementById("state");
const panes = document.getElementById("panes");
const noteField = document.getElementById("note");
const help = document.getElementById("help");
const AHEAD = 3;
const VERDICTS = ["same", "same_style", "no", "bad_crop", "unsure"];

const waiting = []; // pairs to come, their pictures decoded
const redoable = []; // ids of withdrawals, the newest last
const settled = new Set(); // pairs answered here: what was asked for before may still name them
let current = null;
let since = 0;
let busy = false;
let next = null; // an undo or redo that was pressed while an answer was on its way
let answered = 0;
let zoom = 1;
let ended = false;
let guideline = null; // the version that this page has shown
let pointed = false;

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  };
  const response = await fetch(path, options);
  if (response.status === 401) throw new Error("Your session has ended: sign in in another tab.");
  const told = await response.json();
  if (!response.ok) throw new Error(told.detail || response.statusText);
  return told;
}

function decoded(pair) {
  pair.ready = Promise.all(Object.values(pair.images).map((address) => {
    const image = new Image();
    image.src = address;
    return image.decode().then(() => image, () => image);
  }));
  return pair;
}

function named(pair) {
  return `${pair.garment.id} ${pair.region}`;
}

async function fill() {
  const told = await ask(`/api/v1/queues/${encodeURIComponent(desk.dataset.queue)}/leases`, { count: AHEAD + 1 });
  const known = new Set([current, ...waiting].filter(Boolean).map(named));
  for (const pair of told.pairs) {
    if (!known.has(named(pair)) && !settled.has(named(pair))) waiting.push(decoded(pair));
  }
  ended = waiting.length === 0;
  if (guideline !== told.guideline) await readGuideline();
}

async function readGuideline() {
  const newest = (await ask("/api/v1/guideline")).versions[0];
  const before = guideline;
  guideline = newest.version;
  const place = document.getElementById("guideline");
  place.replaceChildren(...newest.text.split(/\n\n+/).map((part) => {
    const paragraph = document.createElement("p");
    paragraph.textContent = part;
    return paragraph;
  }));
  if (before !== null && !help.open) help.showModal();
}

function words(...parts) {
  return parts.filter(Boolean).join(" · ");
}

async function show(pair) {
  current = pair;
  if (!pair) {
    panes.hidden = true;
    state.textContent = "Nothing is left to answer in this queue. Choose another one, or build again.";
    return;
  }
  await pair.ready;
  for (const figure of panes.querySelectorAll("figure")) {
    const image = figure.querySelector("img");
    image.src = pair.images[figure.dataset.pane];
  }
  const [left, top, right, bottom] = pair.box;
  const frame = panes.querySelector("rect");
  for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) {
    frame.setAttribute(name, value);
  }
  const middle = `${50 * (left + right)}% ${50 * (top + bottom)}%`;
  panes.querySelector('[data-pane="look"] .zoom').style.transformOrigin = middle;
  panes.querySelector('[data-pane="garment"] figcaption').textContent =
    words(pair.garment.title || pair.garment.name, pair.garment.brand, pair.garment.sku);
  panes.querySelector('[data-pane="look"] figcaption').textContent =
    words(pair.look.title || pair.look.name, pair.look.brand, pair.look.season, pair.look.photographer);
  noteField.value = "";
  document.getElementById("noted").hidden = true;
  panes.hidden = false;
  setZoom(1);
  clearPoints(panes);
  pair.details = false;
  if (pointed) await details(pair).catch(() => {}); // a pair can be answered without
  since = performance.now();
  state.textContent = "Is it the same garment?";
}

function setZoom(value) {
  zoom = Math.min(6, Math.max(1, value));
  for (const one of panes.querySelectorAll(".zoom")) one.style.transform = `scale(${zoom})`;
}

// One thing at a time. A verdict that comes too early is not heard, for it would judge a pair that
// nobody has seen; an undo or redo (`waits`) speaks of the last answer, so it is done afterwards.
async function guarded(work, waits = false) {
  if (busy) {
    if (waits) next = work;
    return;
  }
  busy = true;
  desk.dataset.ready = "no";
  try {
    await work();
  } catch (error) {
    state.textContent = current && current.saved
      ? `Saved. The next pair does not come: ${error.message} Press a key to try again.`
      : `Not saved: ${error.message} The pair stays; press the key again.`;
  } finally {
    busy = false;
    const work = next;
    next = null;
    if (work) guarded(work);
    else desk.dataset.ready = "yes";
  }
}

function count(change) {
  answered += change;
  document.getElementById("done").textContent = `${answered} answered`;
}

async function answer(verdict) {
  if (!current) return;
  const pair = current;
  if (!pair.saved) await save(pair, verdict); // else only the next pair was missing
  await onward();
}

async function save(pair, verdict) {
  // One id for one answer: sent again after a lost connection, it is still one.
  pair.sent = pair.sent && pair.sent.verdict === verdict ? pair.sent : {
    id: crypto.randomUUID(), garment: pair.garment.id, look: pair.look.id, box: pair.box, verdict,
    region: pair.region, note: noteField.value, lease: pair.lease, queue: pair.queue,
    inclusion: pair.inclusion, visible_ms: Math.round(performance.now() - since),
    seen: { ...pair.seen, details: pair.details ? "shown" : "not shown" }, score_shown: false,
    guideline,
  };
  await ask("/api/v1/reviews", [pair.sent]);
  pair.saved = true;
  settled.add(named(pair));
  redoable.length = 0;
  count(1);
}

async function onward() {
  if (waiting.length === 0 && !ended) await fill();
  if (waiting.length === 0) await fill();
  await show(waiting.shift() || null);
  if (waiting.length < AHEAD) fill().catch(() => {}); // the next answer asks again
}

async function undo() {
  const told = await ask("/api/v1/reviews?limit=100");
  const last = told.reviews.find((one) => one.stands);
  if (!last) {
    state.textContent = "There is nothing to take back.";
    return;
  }
  const taken = await ask(`/api/v1/reviews/${last.id}/withdrawal`, { id: crypto.randomUUID() });
  redoable.push(taken.review.id);
  count(-1);
  if (taken.pair) {
    settled.delete(named(taken.pair));
    if (current) waiting.unshift(current);
    await show(decoded({ ...taken.pair, queue: last.queue, inclusion: last.inclusion }));
    state.textContent = `Taken back: ${last.verdict.replace("_", " ")}. Answer it anew, or bring it back with Z.`;
  } else {
    state.textContent = "Taken back; its photo may not be shown any more.";
  }
}

async function redo() {
  const last = redoable[redoable.length - 1];
  if (!last) {
    state.textContent = "There is nothing to bring back.";
    return;
  }
  await ask(`/api/v1/reviews/${last}/withdrawal`, { id: crypto.randomUUID() });
  redoable.pop();
  if (current) settled.add(named(current));
  count(1);
  await onward();
}

async function details(pair) {
  const query = new URLSearchParams({ garment: pair.garment.id, region: pair.region });
  const told = await ask(`/api/v1/details?${query}`);
  if (pair !== current) return;
  pair.details = told.points.length > 0;
  drawPoints(panes, told.points);
  if (!told.points.length) state.textContent = "Parts of this pair were not compared.";
}

function toggleDetails() {
  pointed = !pointed;
  if (!pointed) clearPoints(panes);
  else if (current) details(current).catch((error) => { state.textContent = error.message; });
}

const DEEDS = {
  details: toggleDetails,
  in: () => setZoom(zoom * 1.4),
  out: () => setZoom(zoom / 1.4),
  whole: () => setZoom(1),
  first: () => fillWith("1"),
  second: () => fillWith("2"),
  third: () => fillWith("3"),
  undo: () => guarded(undo, true),
  redo: () => guarded(redo, true),
  box: () => panes.classList.toggle("unboxed"),
  note: () => { document.getElementById("noted").hidden = false; noteField.focus(); },
  help: () => help.showModal(),
};

function fillWith(pane) {
  panes.dataset.only = panes.dataset.only === pane ? "" : pane;
}

document.getElementById("answers").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.verdict) guarded(() => answer(button.dataset.verdict));
  else DEEDS[button.dataset.do]();
});

document.getElementById("queue").addEventListener("change", (event) => {
  location.href = `/review/${encodeURIComponent(event.target.value)}`;
});

const keys = document.getElementById("keys");
keys.checked = localStorage.getItem("keys") !== "off";
keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));

document.addEventListener("keydown", (event) => {
  if (event.target === noteField) {
    if (event.key === "Escape") noteField.blur();
    return;
  }
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog");
  if (!keys.checked || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = actionOf(event.key);
  if (VERDICTS.includes(action)) guarded(() => answer(action));
  else if (action) DEEDS[action]();
  else return;
  event.preventDefault();
});

showKeys();
showBindings(document.getElementById("bindings"), document.getElementById("rebinding"));
guarded(onward);
