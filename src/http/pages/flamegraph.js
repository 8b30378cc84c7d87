// Zoom, search and keys for the frames that the server has drawn.
//
// Each frame is a <g> of <title>, <rect> and <text>. `data-x` and `data-w` of the <rect> say where it
// begins and how wide it is, in units of the measure. They may be beyond what a number holds exactly, so
// who is below whom is found out once, by the middle of each frame, and then kept.
"use strict";

const details = document.getElementById("details");
const reset = document.getElementById("reset");
const search = document.getElementById("search");
const graphs = [...document.querySelectorAll(".flame > svg")].map((svg) => new Graph(svg));
if (graphs.length > 0) main();

function Graph(svg) {
  this.svg = svg;
  this.frames = read(svg);
  this.all = this.frames[0];
  this.zoomed = this.all;
  for (const frame of this.frames) prepare(this, frame);
  this.all.group.setAttribute("tabindex", "0");
}

function main() {
  search.hidden = false;
  for (const graph of graphs) listen(graph);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") zoomOut();
    if (event.key !== "/" || event.target === search) return;
    event.preventDefault();
    search.focus();
  });
  reset.addEventListener("click", zoomOut);
  search.addEventListener("input", find);
  for (const button of document.querySelectorAll(".kinds button")) {
    button.addEventListener("click", () => {
      const wanted = `kind:${button.dataset.kind}`;
      search.value = search.value === wanted ? "" : wanted;
      find();
    });
  }
  zoomOut();
}

function listen(graph) {
  const { svg } = graph;
  const frameOf = (event) => event.target.closest?.("g.frame")?.frame;
  svg.addEventListener("click", (event) => {
    const frame = frameOf(event);
    if (!frame) return;
    move(graph, frame);
    zoom(graph, frame);
  });
  svg.addEventListener("pointerover", (event) => frameOf(event) && tell(graph, frameOf(event)));
  svg.addEventListener("pointerleave", () => tell(graph, graph.zoomed));
  svg.addEventListener("focusin", (event) => frameOf(event) && tell(graph, frameOf(event)));
  svg.addEventListener("keydown", (event) => {
    const frame = frameOf(event);
    const next = frame && neighbour(frame, graph.frames, event.key);
    if (next) move(graph, next);
    else if (frame && (event.key === "Enter" || event.key === " ")) zoom(graph, frame);
    else if (frame && event.key === "f" && address(graph, frame)) location.href = address(graph, frame);
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
  });
  new ResizeObserver(() => label(graph)).observe(svg);
}

function zoomOut() {
  for (const graph of graphs) zoomAlone(graph, graph.all);
  after();
  details.replaceChildren();
}

// The others follow, as far as they have the frame.
function zoom(graph, frame) {
  for (const other of graphs) zoomAlone(other, other === graph ? frame : same(other, frame) ?? other.all);
  after();
  tell(graph, frame);
}

function zoomAlone(graph, frame) {
  graph.zoomed = frame;
  layOut(graph.frames, frame);
  label(graph);
}

function after() {
  reset.hidden = graphs.every((graph) => graph.zoomed === graph.all);
  find();
}

// The frame at the end of the same path.
function same(graph, frame) {
  const path = [];
  for (let at = frame; at.parent; at = at.parent) path.unshift(at);
  let found = graph.all;
  for (const step of path) {
    found = found.children.find((child) => child.name === step.name && child.kind === step.kind);
    if (!found) return undefined;
  }
  return found;
}

// What the frame is, and the way to the page of its function.
function tell(graph, frame) {
  details.replaceChildren(frame.description);
  const href = address(graph, frame);
  if (!href) return;
  const link = document.createElement("a");
  link.href = href;
  link.textContent = "callers, source, stacks";
  details.append(" ", link);
}

function address(graph, frame) {
  const base = graph.svg.dataset.function;
  if (!base || frame === graph.all || frame.name.length > 2000) return undefined;
  const url = new URL(base, location.href);
  url.searchParams.set("name", frame.name);
  if (frame.kind) url.searchParams.set("kind", frame.kind);
  return url.href;
}

function move(graph, frame) {
  if (!frame) return;
  graph.svg.querySelector('[tabindex="0"]').setAttribute("tabindex", "-1");
  frame.group.setAttribute("tabindex", "0");
  frame.group.focus();
}

// The frames, roots first.
function read(svg) {
  const frames = [...svg.querySelectorAll("g > rect")].map((rect) => {
    const group = rect.parentNode;
    const [title, text] = [group.querySelector("title"), group.querySelector("text")];
    // The last line has the numbers.
    const lines = title.textContent.split("\n");
    const numbers = lines.pop();
    const { kind, short } = group.dataset;
    const shown = lines.join("\n");
    const name = kind ? shown.slice(0, -` [${kind}]`.length) : shown;
    const description = `${shown} · ${numbers}`;
    const [x, w, y] = [Number(rect.dataset.x), Number(rect.dataset.w), Number(rect.getAttribute("y"))];
    return { group, rect, text, name, kind, short: short ?? name, description, x, w, y };
  });
  frames.sort((a, b) => a.y - b.y || a.x - b.x);
  let above = [];
  let row = [];
  for (const frame of frames) {
    if (row.length > 0 && row[0].y !== frame.y) [above, row] = [row, []];
    row.push(frame);
    frame.children = [];
    frame.parent = holding(above, frame.x + frame.w / 2);
    frame.parent?.children.push(frame);
  }
  return frames;
}

// The one of these frames, which are side by side, that has this place in it.
function holding(frames, place) {
  let [low, high] = [0, frames.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (frames[middle].x + frames[middle].w > place) high = middle;
    else low = middle + 1;
  }
  return frames[low];
}

function prepare(graph, frame) {
  frame.group.frame = frame;
  frame.group.setAttribute("aria-label", frame.description);
}

// Gives all the width to one frame: those above it are as wide as it, those beside it are gone.
function layOut(frames, root) {
  const path = new Set();
  for (let frame = root; frame; frame = frame.parent) path.add(frame);
  for (const frame of frames) {
    frame.inside = frame === root || Boolean(frame.parent?.inside);
    const isAbove = frame !== root && path.has(frame);
    frame.left = isAbove ? 0 : (frame.x - root.x) / root.w;
    frame.width = isAbove ? 1 : frame.w / root.w;
    frame.shown = frame.inside || isAbove;
    frame.group.classList.toggle("gone", !frame.shown);
    frame.group.classList.toggle("above", isAbove);
    if (!frame.shown) continue;
    const left = `${(100 * frame.left).toFixed(4)}%`;
    frame.rect.setAttribute("x", left);
    frame.text.setAttribute("x", left);
    frame.rect.setAttribute("width", `${(100 * frame.width).toFixed(4)}%`);
  }
}

function label({ svg, frames }) {
  const sample = frames[0].text;
  sample.textContent = "m".repeat(50);
  const charWidth = sample.getComputedTextLength() / 50;
  const available = svg.clientWidth || svg.getBoundingClientRect().width;
  for (const frame of frames) {
    if (!frame.shown) continue;
    const room = Math.floor((frame.width * available - 8) / charWidth);
    frame.text.textContent = fitting(frame, room);
  }
}

// The longest form that has room: the whole name with its kind, the short name, the function, or how that begins.
function fitting({ name, kind, short }, room) {
  const last = short.slice(short.lastIndexOf("::") + (short.includes("::") ? 2 : 0));
  const forms = [kind ? `${name} [${kind}]` : name, name, kind ? `${short} [${kind}]` : short, short, last];
  const form = forms.find((form) => [...form].length <= room);
  if (form !== undefined) return form;
  return room < 3 ? "" : `${[...last].slice(0, room - 1).join("")}…`;
}

// Marks what matches, and says how much of what is shown it is.
function find() {
  const wanted = search.value.trim();
  const said = graphs.map((graph) => highlight(graph, wanted));
  document.getElementById("matched").textContent = wanted === "" ? "" : said.join(" | ");
  for (const button of document.querySelectorAll(".kinds button")) {
    button.setAttribute("aria-pressed", String(wanted === `kind:${button.dataset.kind}`));
  }
}

function highlight({ svg, frames, zoomed }, wanted) {
  const matches = matcher(wanted);
  let [count, width] = [0, 0];
  for (const frame of frames) {
    frame.matched = frame.inside && matches(frame);
    frame.counted = frame.matched || Boolean(frame.parent?.counted);
    frame.group.classList.toggle("matched", frame.matched);
    if (!frame.matched) continue;
    count += 1;
    // A frame below a match is in it already.
    if (!frame.parent?.counted) width += frame.w;
  }
  svg.classList.toggle("searching", wanted !== "");
  return `${count} matched: ${((100 * width) / zoomed.w).toFixed(1)}%`;
}

// `kind:mutex` is that kind alone; all else is looked for in names and kinds.
function matcher(wanted) {
  if (wanted === "") return () => false;
  if (wanted.startsWith("kind:")) return (frame) => frame.kind === wanted.slice("kind:".length).trim();
  const text = (frame) => (frame.kind ? `${frame.name} [${frame.kind}]` : frame.name);
  try {
    const pattern = new RegExp(wanted, "iu");
    return (frame) => pattern.test(text(frame));
  } catch {
    // A name with brackets in it, say.
    const literal = wanted.toLowerCase();
    return (frame) => text(frame).toLowerCase().includes(literal);
  }
}

function neighbour(frame, frames, key) {
  const widest = (some) => some.reduce((a, b) => (a && a.w >= b.w ? a : b), undefined);
  const row = () => frames.filter((it) => it.y === frame.y && it.shown);
  switch (key) {
    case "ArrowUp":
      return frame.parent;
    case "ArrowDown":
      return widest(frame.children.filter((it) => it.shown));
    case "ArrowLeft":
      return row()[row().indexOf(frame) - 1];
    case "ArrowRight":
      return row()[row().indexOf(frame) + 1];
  }
}
