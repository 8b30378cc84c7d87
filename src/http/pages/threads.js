// Keeps the page up to date, if asked, and its table sorted.
//
// A part of the page is replaced only where it has changed, in one step, with what is open left open: nothing
// flickers, and what one reads stays where it is.
"use strict";

const EVERY = 1000;

function prepare(part) {
  const table = part.querySelector("table.sites");
  if (table) makeSortable(table, [...table.tBodies[0].rows]);
}

/// The column that a table is sorted by, for the table that takes its place.
function sorting(part) {
  const title = part.querySelector("th[aria-sort]");
  return title && { column: title.cellIndex, direction: title.getAttribute("aria-sort") };
}

function keepSorting(part, before) {
  const table = part.querySelector("table.sites");
  if (!table || !before) return;
  const title = table.tHead.rows[0].cells[before.column];
  sortBy(table, [...table.tBodies[0].rows], title, before.direction);
}

function keepOpen(part, old) {
  for (const details of old.querySelectorAll("details[open]")) {
    const same = part.querySelector(`details[data-key="${details.dataset.key}"]`);
    if (same) same.open = true;
  }
}

/// As the server sent them: what the reader has opened and sorted is no difference.
const sent = new Map();

function replace(page) {
  const live = document.getElementById("live");
  const parts = [...page.querySelectorAll("#live [data-part]")];
  const ids = new Set(parts.map((part) => part.id));
  for (const old of live.querySelectorAll(":scope > [data-part]")) {
    if (!ids.has(old.id)) old.remove();
  }
  let before = null;
  for (const part of parts) {
    const old = document.getElementById(part.id);
    const markup = part.outerHTML;
    if (old && sent.get(part.id) === markup) {
      before = old;
      continue;
    }
    sent.set(part.id, markup);
    const fresh = document.importNode(part, true);
    prepare(fresh);
    if (old) {
      keepOpen(fresh, old);
      keepSorting(fresh, sorting(old));
      for (const scroll of old.querySelectorAll(".scroll, .graph")) {
        const index = [...old.querySelectorAll(".scroll, .graph")].indexOf(scroll);
        const same = fresh.querySelectorAll(".scroll, .graph")[index];
        if (same && scroll.scrollLeft) requestAnimationFrame(() => (same.scrollLeft = scroll.scrollLeft));
      }
      old.replaceWith(fresh);
    } else if (before) before.after(fresh);
    else live.prepend(fresh);
    before = fresh;
  }
}

let nextRefresh;

async function refresh(status, box) {
  const started = Date.now();
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!box.checked) return;
    replace(page);
    status.textContent = `as of ${new Date().toLocaleTimeString()}`;
    status.classList.remove("error");
  } catch (error) {
    status.textContent = `no answer: ${error.message}; trying again`;
    status.classList.add("error");
  }
  // A slow answer is not made up for.
  if (box.checked) nextRefresh = setTimeout(() => refresh(status, box), Math.max(EVERY - (Date.now() - started), 200));
}

for (const part of document.querySelectorAll("[data-part]")) {
  sent.set(part.id, part.outerHTML);
  prepare(part);
}

const line = document.getElementById("refresh");
if (line) {
  line.hidden = false;
  const box = line.querySelector("input");
  const status = line.querySelector("output");
  box.addEventListener("change", () => {
    clearTimeout(nextRefresh);
    status.textContent = "";
    if (box.checked) refresh(status, box);
  });
}
