// Filtering, choosing and comparing on the leaderboard, and the view kept in the address.
const byId = (id) => document.getElementById(id);

// After the # stands a view (key=value&…), or the id of a heading.
const state = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
function keep(changes) {
  for (const [key, value] of Object.entries(changes)) {
    if (value) state.set(key, value);
    else state.delete(key);
  }
  const text = state.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

function board(filters) {
  const table = byId("board");
  const rows = [...document.querySelectorAll("tr[data-entry]")];
  const chosen = new Set((state.get("chosen") ?? "").split(" ").filter(Boolean));

  function filter() {
    const wanted = Object.fromEntries(new FormData(filters));
    const words = wanted.find.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const name = row.querySelector("th").textContent.toLowerCase();
      row.hidden =
        !words.every((word) => name.includes(word)) ||
        (wanted.level !== "" && row.dataset.level !== wanted.level) ||
        (wanted.trained !== "" && row.dataset.trained !== wanted.trained);
    }
    const shown = rows.filter((row) => !row.hidden).length;
    byId("count").textContent = `${shown} of ${rows.length} shown`;
    keep(wanted);
  }

  function choose() {
    for (const part of document.querySelectorAll(".series[data-key], .point[data-key]")) {
      const stands = chosen.has(part.dataset.key);
      part.classList.toggle("stands", stands);
      part.classList.toggle("dim", chosen.size > 0 && !stands);
    }
    byId("chosen").hidden = chosen.size === 0;
    byId("chosen").firstElementChild.textContent = `${chosen.size} chosen`;
    const able = rows.filter((row) => "comparable" in row.dataset && chosen.has(row.dataset.entry));
    const compare = byId("compare");
    if (compare) {
      compare.hidden = able.length < 2;
      if (able.length > 1) compare.hash = `a=${able[0].dataset.entry}&b=${able[1].dataset.entry}`;
    }
    keep({ chosen: [...chosen].join(" ") });
  }

  const boxes = rows.map((row) => {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.className = "pick";
    box.checked = chosen.has(row.dataset.entry);
    box.setAttribute("aria-label", `Choose ${row.dataset.name}`);
    box.addEventListener("change", () => {
      chosen[box.checked ? "add" : "delete"](row.dataset.entry);
      choose();
    });
    row.querySelector("th").prepend(box);
    return box;
  });
  byId("unchoose").addEventListener("click", () => {
    chosen.clear();
    for (const box of boxes) box.checked = false;
    choose();
  });

  for (const field of filters.querySelectorAll("[name]")) field.value = state.get(field.name) ?? "";
  filters.addEventListener("input", filter);
  filters.addEventListener("submit", (event) => event.preventDefault());
  const sorted = table && [...table.querySelectorAll("th[data-key]")].find((th) => th.dataset.key === state.get("sort"));
  if (sorted) {
    const button = sorted.querySelector("button");
    const down = state.get("order") === "descending";
    button.click();
    if (down) button.click();
  }
  table?.addEventListener("sorted", ({ detail }) => keep({ sort: detail.key, order: detail.order }));
  filter();
  choose();
}

function compare(form) {
  const { entries, couples } = JSON.parse(byId("couples").textContent);
  const of = new Map(entries.map((entry) => [entry.key, entry]));
  const [a, b] = ["a", "b"].map((name) => form.elements.namedItem(name));
  const tell = (id, text) => (byId(id).textContent = text);
  const short = (name) => (name.length > 40 ? `${name.slice(0, 39)}…` : name);
  const frame = byId("places");

  function link(entry) {
    const anchor = document.createElement("a");
    anchor.href = `../${entry.page}`;
    anchor.textContent = entry.name;
    return anchor;
  }

  function show() {
    const [left, right] = [of.get(a.value), of.get(b.value)];
    const keys = [left.key, right.key];
    const couple = couples.find(([one, other]) => keys.includes(one) && keys.includes(other) && one !== other && keys[0] !== keys[1]);
    const [, , difference, interval, p, said, verdict, test] = couple ?? ["", "", "", "", "", "Choose two methods", "", ""];
    tell("verdict", { chance: "The difference could be chance", untested: "Too few groups for a test" }[verdict] ?? said);
    tell("mean-a", left.mean);
    tell("mean-b", right.mean);
    tell("minus", couple?.[0] === right.key ? "B minus A" : "A minus B");
    tell("difference", difference || "–");
    tell("interval", interval || "–");
    tell("p", p || "–");
    tell("test", test || "–");
    byId("pages").replaceChildren("Records: ", link(left), ", ", link(right));
    tell("name-x", short(`A: ${left.name}`));
    tell("name-y", short(`B: ${right.name}`));
    // both axes are equally long: what lies at x on one lies at 360 - x on the other
    const dots = left.places.map((x, i) => (x === null || right.places[i] === null ? "" : `M${x} ${360 - right.places[i]}h0`));
    frame.querySelector(".dots").setAttribute("d", dots.join(""));
    keep({ a: left.key, b: right.key });
  }

  a.value = of.has(state.get("a")) ? state.get("a") : entries[0].key;
  b.value = of.has(state.get("b")) ? state.get("b") : entries[1].key;
  form.addEventListener("change", show);
  byId("swap").addEventListener("click", () => {
    [a.value, b.value] = [b.value, a.value];
    show();
  });
  show();
}

if (byId("filters")) board(byId("filters"));
if (byId("two-methods")) compare(byId("two-methods"));
