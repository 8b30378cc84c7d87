// Sorts the table of call sites by any column, and filters it.
"use strict";

const table = document.querySelector("table.sites");
if (table) {
  const rows = [...table.tBodies[0].rows];
  makeSortable(table, rows);
  makeFilterable(rows);
}

function makeSortable(table, rows) {
  for (const title of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title.textContent;
    button.addEventListener("click", () => sort(table, rows, title));
    title.replaceChildren(button);
  }
}

function sort(table, rows, title) {
  const opposite = { ascending: "descending", descending: "ascending" };
  const direction = opposite[title.ariaSort] ?? title.dataset.first;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  title.setAttribute("aria-sort", direction);
  const sign = direction === "ascending" ? 1 : -1;
  // Stable: what is equal stays in the order of the sort before.
  rows.sort((a, b) => sign * compare(a.cells[title.cellIndex], b.cells[title.cellIndex]));
  table.tBodies[0].append(...rows);
}

function compare(a, b) {
  if (a.dataset.value !== undefined) return a.dataset.value - b.dataset.value;
  return text(a).localeCompare(text(b), "en", { numeric: true });
}

function text(cell) {
  return cell.title || cell.textContent;
}

function makeFilterable(rows) {
  const input = document.getElementById("filter");
  input.closest(".filter").hidden = false;
  input.addEventListener("input", () => filter(rows, input.value.trim().toLowerCase()));
}

function filter(rows, wanted) {
  const delay = (row) => Number(row.querySelector(".delay").dataset.value);
  const total = rows.reduce((sum, row) => sum + delay(row), 0);
  let shown = 0;
  let delayShown = 0;
  for (const row of rows) {
    const names = [...row.querySelectorAll(".kind, .function, .where")].map(text);
    row.hidden = !names.join(" ").toLowerCase().includes(wanted);
    if (!row.hidden) {
      shown += 1;
      delayShown += delay(row);
    }
  }
  const share = total > 0 ? ((100 * delayShown) / total).toFixed(1) : "0.0";
  const message = `${shown} of ${rows.length} call sites, ${share}% of the delay`;
  document.getElementById("shown").textContent = wanted ? message : "";
}
