"use strict";
// Sorting, the before/after slider and the download; the page is complete without them.
document.documentElement.classList.add("js");

for (const table of document.querySelectorAll("table[data-sortable]")) {
  table.querySelectorAll("thead th[data-sort]").forEach((header) => {
    const column = header.cellIndex;
    const button = document.createElement("button");
    button.type = "button";
    // a link in a heading stays beside the button: no control may hold another
    button.append(...[...header.childNodes].filter((node) => node.nodeName !== "A"));
    header.prepend(button, " ");
    button.addEventListener("click", () => {
      const up = header.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("th[aria-sort]").forEach((th) => th.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const numeric = header.dataset.sort === "number";
      for (const body of table.tBodies) {
        const rows = [...body.rows].map((row) => [key(row), row]);
        rows.sort(([a], [b]) => {
          if (a === "" || b === "") return (a === "") - (b === ""); // no value: always last
          const order = numeric ? a - b : a.localeCompare(b, "en", { numeric: true });
          return up ? order : -order;
        });
        body.append(...rows.map(([, row]) => row));
      }
      const detail = { key: header.dataset.key, order: up ? "ascending" : "descending" };
      table.dispatchEvent(new CustomEvent("sorted", { detail }));
    });
  });
}

const template = document.getElementById("slider");
for (const pair of document.querySelectorAll(".pair")) {
  const figures = [...pair.querySelectorAll(".pictures figure")];
  if (!template || figures.length < 2) continue;
  const parts = template.content.cloneNode(true);
  const choices = [...parts.querySelectorAll("select")];
  const images = [...parts.querySelectorAll("img")];
  const slider = parts.querySelector(".slider");
  const show = (side) => {
    const shown = figures[choices[side].selectedIndex].querySelector("img");
    images[side].src = shown.src;
    images[side].alt = shown.alt;
  };
  choices.forEach((choice, side) => {
    for (const figure of figures) choice.add(new Option(figure.querySelector("figcaption").textContent));
    choice.selectedIndex = side; // input on the left, output on the right
    choice.addEventListener("change", () => show(side));
    show(side);
  });
  parts.querySelector("input").addEventListener("input", (event) => {
    slider.style.setProperty("--cut", `${event.target.value}%`);
  });
  const views = pair.querySelector(".views");
  views.classList.add("compared");
  views.prepend(parts);
}

const told = ["pair", "group", "camera", "ratio", "iso", "split", "identical", "seconds"];
function rowsOf(record) {
  const metrics = Object.keys(record.metrics);
  const cell = (value) => (/[",\n\r]/.test(value ?? "") ? `"${value.replaceAll('"', '""')}"` : value ?? "");
  const lines = record.rows.map((row) => [...told.map((name) => row[name]), ...metrics.map((name) => row.scores[name])]);
  return [[...told, ...metrics], ...lines].map((line) => `${line.map(cell).join(",")}\n`).join("");
}

for (const button of document.querySelectorAll("button[data-save]")) {
  button.addEventListener("click", () => {
    const record = document.getElementById(button.dataset.save).textContent;
    const text = button.dataset.name.endsWith(".csv") ? rowsOf(JSON.parse(record)) : record;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text]));
    link.download = button.dataset.name;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}
