// Which key does what: kept in this browser alone.
const USUAL = {
  same: "y", same_style: "s", no: "n", bad_crop: "b", unsure: "u", undo: "z", redo: "Z", box: "o",
  details: "d", note: "c", help: "?", in: "+", out: "-", whole: "0", first: "1", second: "2", third: "3",
};
const WORDS = {
  same: "same", same_style: "same style, not this one", no: "no", bad_crop: "bad crop", unsure: "unsure",
  undo: "take the last answer back", redo: "bring it in again", box: "box on or off",
  details: "corresponding details on or off", note: "note", help: "help and guideline", in: "zoom in",
  out: "zoom out", whole: "no zoom", first: "only the garment", second: "only the close-up", third: "only the look",
};
const STORED = "lookweave-keys";
let keys = read();
let changing = null;

function read() {
  const found = { ...USUAL };
  try {
    const stored = JSON.parse(localStorage.getItem(STORED)) || {};
    for (const action of Object.keys(USUAL)) {
      if (typeof stored[action] === "string" && [...stored[action]].length === 1) found[action] = stored[action];
    }
  } catch {
    return { ...USUAL };
  }
  // What is stored may be of anybody's making: two actions on one key would hide one of them.
  return new Set(Object.values(found)).size === Object.keys(found).length ? found : { ...USUAL };
}

function named(key) {
  return key === " " ? "space" : key;
}

// The action of a key; undefined where it has none.
export function actionOf(key) {
  return changing ? undefined : Object.keys(keys).find((action) => keys[action] === key);
}

// Write the keys into the buttons of the desk.
export function showKeys() {
  for (const button of document.querySelectorAll("#answers button")) {
    const label = button.querySelector("kbd");
    if (label) label.textContent = named(keys[button.dataset.verdict || button.dataset.do]);
  }
}

// The list of all keys, each of which a click and another key change.
export function showBindings(list, said) {
  const buttons = {};
  for (const action of Object.keys(USUAL)) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.append(document.createElement("kbd"), ` ${WORDS[action]}`);
    button.addEventListener("click", () => {
      changing = action;
      said.firstChild.textContent = `Press the key for “${WORDS[action]}”; Escape leaves it as it is. `;
    });
    buttons[action] = button;
    item.append(button);
    list.append(item);
  }
  const refresh = () => {
    for (const [action, button] of Object.entries(buttons)) button.querySelector("kbd").textContent = named(keys[action]);
    showKeys();
  };
  const keep = (words) => {
    localStorage.setItem(STORED, JSON.stringify(keys));
    said.firstChild.textContent = words;
    refresh();
  };
  document.addEventListener("keydown", (event) => {
    if (!changing || ["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock", "Tab"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const action = changing;
    changing = null;
    if ([...event.key].length !== 1) {
      said.firstChild.textContent = "The keys stay as they are. ";
      return;
    }
    // A key that another action has is exchanged, so that none is without one.
    const other = Object.keys(keys).find((one) => keys[one] === event.key);
    if (other) keys[other] = keys[action];
    keys[action] = event.key;
    keep(`${named(event.key)} is “${WORDS[action]}” now. `);
  }, true);
  document.getElementById("usual").addEventListener("click", () => {
    keys = { ...USUAL };
    keep("All keys are the usual ones. ");
  });
  refresh();
}
