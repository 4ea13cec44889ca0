// The table of all pairs: filter, sort, and turn its pages. Data and names are only ever set as
// text. The columns of the data are explained in listing.py.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("pairs-data").textContent);
  const section = document.getElementById("pairs");
  const form = section.querySelector("form");
  const table = section.querySelector("table");
  const pager = section.querySelector(".pager");
  const tiers = ["high", "medium", "low"];
  const rowsOnAPage = 100;
  const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const thousands = (number) => number < 10000 ? String(number)
    : String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");

  const lastOf = (file) => file.split("/").pop();
  const garments = data.garments.map(([skus, title, brand, file, flags]) => {
    const name = title || skus[0] || lastOf(file);
    return { skus, name, brand, file, flags, key: [skus[0] || name, file],
      words: plain([...skus, title, brand, file].join(" ")) };
  });
  const times = new Map();
  for (const [, , file] of data.looks) times.set(lastOf(file), (times.get(lastOf(file)) || 0) + 1);
  const looks = data.looks.map(([title, credit, file, flags]) => {
    const name = times.get(lastOf(file)) > 1 ? file : lastOf(file);
    return { name: title || name, credit, file: title ? name : "", flags,
      words: plain([title, credit, file].join(" ")) };
  });
  const pairs = data.pairs.map(([garment, look, tier, score, probability, verdict, who], at) => ({
    at, garment: garments[garment], look: looks[look], tier, score, probability, verdict,
    who: who === null ? "" : data.people[who], ids: garment + "-" + look,
  }));
  const alone = data.alone.map((at) => ({
    garment: garments[at], look: null, tier: 3, score: null, probability: null, verdict: 0, who: "",
  }));
  const pictures = new Map();
  for (const element of document.querySelectorAll("[data-pair]")) {
    pictures.set(element.dataset.pair, element);
  }

  const down = (pair) => pair.garment.flags || (pair.look && pair.look.flags);
  const only = {
    "": () => true,
    alone: () => true,
    several: (pair) => pair.garment.skus.length > 1,
    judged: (pair) => pair.verdict || pair.who,
    down,
  };
  const likelier = (a, b) => (b.probability ?? -1) - (a.probability ?? -1)
    || (b.score ?? -1e6) - (a.score ?? -1e6);
  const sameArticle = (a, b) => byName(a.garment.key[0], b.garment.key[0])
    || byName(a.garment.key[1], b.garment.key[1]);
  const orders = {
    article: (a, b) => sameArticle(a, b) || likelier(a, b),
    look: (a, b) => byName(a.look ? a.look.name : "", b.look ? b.look.name : "") || likelier(a, b),
    tier: (a, b) => a.tier - b.tier || likelier(a, b),
    score: (a, b) => (b.score ?? -1e6) - (a.score ?? -1e6),
    probability: likelier,
  };
  let sort = "article", turned = false, page = 0, shown = [];

  function choose() {
    const words = plain(form.words.value).split(/\s+/).filter(Boolean);
    const tier = form.tier.value, kind = form.only.value;
    shown = (kind === "alone" ? alone : pairs).filter((pair) =>
      (tier === "" || kind === "alone" || pair.tier === Number(tier)) && only[kind](pair)
      && words.every((word) => pair.garment.words.includes(word)
        || (pair.look !== null && pair.look.words.includes(word))));
    shown.sort(orders[sort]);
    if (turned) shown.reverse();
    page = 0;
    draw();
  }

  function make(tag, name, ...parts) {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.append(...parts);
    return element;
  }

  function article({ garment }) {
    const cell = make("th", "", make("bdi", "name", garment.name));
    cell.scope = "row";
    const few = garment.skus.slice(0, 3), more = garment.skus.length - few.length;
    const small = [few.join(", ") + (more ? ` and ${more} more` : ""), garment.brand,
      garment.skus.length ? "" : lastOf(garment.file)].filter((text) => text && text !== garment.name);
    if (more) {
      const summary = make("summary", "", make("bdi", "", small.join(" · ")));
      cell.append(make("details", "small", summary, make("bdi", "", garment.skus.join(", "))));
    } else if (small.length) cell.append(make("bdi", "small", small.join(" · ")));
    return cell;
  }

  function seen({ look }) {
    if (look === null) return make("td", "look soft", "no look found");
    const cell = make("td", "look", make("bdi", "name", look.name));
    const small = [look.credit, look.file].filter(Boolean);
    if (small.length) cell.append(make("bdi", "small", small.join(" · ")));
    return cell;
  }

  function notes(pair) {
    const cell = make("td", "notes");
    const say = (name, text) => cell.append(make("span", name, text));
    const flags = [[pair.garment, "garment"], [pair.look, "look"]];
    for (const [photo, kind] of flags) {
      if (photo && photo.flags & 1) say("warn", `${kind} taken down`);
      if (photo && photo.flags & 2) say("warn", `${kind} no longer listed`);
    }
    if (pair.who) say("right", `verified by ${pair.who}`);
    else if (pair.verdict) say(pair.verdict === 1 ? "right" : "wrong",
      pair.verdict === 1 ? "known to be right" : "known to be wrong");
    const onSheet = pictures.get(pair.ids);
    if (onSheet) {
      const button = make("button", "link", "pictures");
      button.type = "button";
      button.addEventListener("click", () => {
        const every = document.getElementById("show-all") || document.querySelector("[id^=show-]");
        every.checked = true;
        onSheet.scrollIntoView({ block: "center" });
        onSheet.focus({ preventScroll: true });
      });
      cell.append(button);
    }
    return cell;
  }

  const decimal = (value) => value === null ? "–" : (value / 1000).toFixed(3).replace("-", "−");
  const share = (value) => {
    if (value === null) return "–";
    const percent = value < 5 ? "<\u202f1" : value > 995 ? ">\u202f99" : (value / 10).toFixed(0);
    return `${percent}\u202f%`;
  };

  function draw() {
    const first = page * rowsOnAPage, here = shown.slice(first, first + rowsOnAPage);
    const body = table.tBodies[0];
    body.replaceChildren();
    let group = null;
    for (const [at, pair] of here.entries()) {
      const row = make("tr", "");
      const same = sort === "article" && at > 0 && here[at - 1].garment === pair.garment;
      if (same) group.rowSpan += 1;
      else {
        group = article(pair);
        row.className = "first";
        row.append(group);
      }
      const tier = pair.tier < 3 ? make("td", "tier", make("span", `tier-mark ${tiers[pair.tier]}`),
        tiers[pair.tier]) : make("td", "tier", "–");
      const score = make("td", "number score", decimal(pair.score));
      const probability = make("td", "number probability", share(pair.probability));
      row.append(seen(pair), tier, score, probability, notes(pair));
      body.append(row);
    }
    if (!here.length) {
      const empty = make("td", "soft", "Nothing fits. Ask for fewer words, or for every pair.");
      empty.colSpan = 6;
      body.append(make("tr", "first", empty));
    }
    const last = Math.min(first + rowsOnAPage, shown.length);
    pager.querySelector("p").textContent = shown.length
      ? `${thousands(first + 1)} to ${thousands(last)} of ${thousands(shown.length)}` : "";
    const [back, on] = pager.querySelectorAll("button");
    back.disabled = page === 0;
    on.disabled = last >= shown.length;
    for (const button of table.tHead.querySelectorAll("button")) {
      const head = button.parentElement;
      if (button.dataset.sort !== sort) head.removeAttribute("aria-sort");
      else {
        const upwards = ["article", "look", "tier"].includes(sort) !== turned;
        head.setAttribute("aria-sort", upwards ? "ascending" : "descending");
      }
    }
    form.sort.value = sort;
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target.name === "sort") { sort = form.sort.value; turned = false; }
    choose();
  });
  table.tHead.addEventListener("click", (event) => {
    const name = event.target.dataset.sort;
    if (!name) return;
    turned = name === sort ? !turned : false;
    sort = name;
    choose();
  });
  pager.addEventListener("click", (event) => {
    const step = Number(event.target.dataset.step || 0);
    if (!step) return;
    page += step;
    draw();
    table.scrollIntoView({ block: "start" });
  });
  for (const element of [form, table, pager]) element.hidden = false;
  choose();
})();
