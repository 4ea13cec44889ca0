// Shows how far a build is: asked every second, and the page is loaded anew when it ends.
const build = document.getElementById("build");
const told = document.getElementById("told");
const numbers = new Intl.NumberFormat("en");
let waited = 1000;
let step = "";

function left(stage) {
  if (stage.done < 1 || stage.seconds < 3) return "";
  const seconds = (stage.total - stage.done) * (stage.seconds / stage.done);
  if (seconds < 90) return `, ${Math.ceil(seconds)} s left`;
  return seconds < 5400 ? `, ${Math.round(seconds / 60)} min left` : `, ${(seconds / 3600).toFixed(1)} h left`;
}

function show(stage) {
  const row = build.querySelector(`[data-step="${CSS.escape(stage.name)}"]`);
  if (!row) return;
  row.className = stage.ended ? "ended" : "now";
  const bar = row.querySelector("progress");
  bar.max = Math.max(stage.total, 1);
  bar.value = stage.ended ? bar.max : stage.done;
  const done = numbers.format(stage.done);
  row.lastElementChild.textContent = stage.ended
    ? `${done} ${stage.unit}`
    : `${done} of ${numbers.format(stage.total)} ${stage.unit}${left(stage)}`;
}

async function ask() {
  try {
    const answer = await fetch("/api/v1/build", { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const now = await answer.json();
    if (now.state !== "running") {
      location.reload();
      return;
    }
    now.stages.forEach(show);
    // Said once a step, so that a screen reader is not interrupted every second.
    const newest = now.stages.at(-1);
    if (newest && newest.name !== step) {
      step = newest.name;
      told.textContent = `${document.getElementById(`step-${step}`)?.textContent ?? step} …`;
    }
    waited = 1000;
  } catch {
    step = "";
    told.textContent = "The server does not answer. The build goes on by itself; start the server again to see it.";
    waited = Math.min(waited * 2, 30000);
  }
  setTimeout(ask, waited);
}

if (build.dataset.state === "running") setTimeout(ask, waited);
