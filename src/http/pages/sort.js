// Sorts a table by any column.
"use strict";

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
  sortBy(table, rows, title, opposite[title.ariaSort] ?? title.dataset.first);
}

function sortBy(table, rows, title, direction) {
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
