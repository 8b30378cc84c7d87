// Filters the table of call sites; `sort.js` sorts it.
"use strict";

const table = document.querySelector("table.sites");
if (table) {
  const rows = [...table.tBodies[0].rows];
  makeSortable(table, rows);
  makeFilterable(rows);
}

function makeFilterable(rows) {
  const input = document.getElementById("filter");
  input.closest(".filter").hidden = false;
  input.addEventListener("input", () => filter(rows, input.value.trim().toLowerCase()));
}

function filter(rows, wanted) {
  const value = (row) => Number(row.querySelector(".value").dataset.value);
  const total = rows.reduce((sum, row) => sum + value(row), 0);
  let shown = 0;
  let valueShown = 0;
  for (const row of rows) {
    const names = [...row.querySelectorAll(".kind, .function, .where")].map(text);
    row.hidden = !names.join(" ").toLowerCase().includes(wanted);
    if (!row.hidden) {
      shown += 1;
      valueShown += value(row);
    }
  }
  const share = total > 0 ? ((100 * valueShown) / total).toFixed(1) : "0.0";
  const message = `${shown} of ${rows.length} call sites, ${share}% of the ${table.dataset.measure}`;
  document.getElementById("shown").textContent = wanted ? message : "";
}
