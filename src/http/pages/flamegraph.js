// Zoom, search and keys for the frames that the server has drawn.
//
// Each frame is a <g> of <title>, <rect> and <text>. `fg:x` and `fg:w` of the <rect> say where it
// begins and how wide it is, in units of the value. They may be beyond what a number holds exactly, so
// who is below whom is found out once, by the middle of each frame, and then kept.
"use strict";

const svg = document.getElementById("flame");
if (svg) main();

function main() {
  const frames = read();
  const all = frames[0];
  let zoomed = all;

  const details = document.getElementById("details");
  const reset = document.getElementById("reset");
  const search = document.getElementById("search");
  const frameOf = (event) => event.target.closest?.("g.frame")?.frame;

  const tell = (frame) => (details.textContent = frame ? describe(frame, all) : "");
  const zoom = (frame) => {
    zoomed = frame;
    reset.hidden = frame === all;
    layOut(frames, frame);
    label(frames);
    find();
  };
  const find = () => {
    const matched = document.getElementById("matched");
    matched.textContent = highlight(frames, zoomed, search.value.trim());
  };
  const move = (frame) => {
    if (!frame) return;
    svg.querySelector('[tabindex="0"]').setAttribute("tabindex", "-1");
    frame.group.setAttribute("tabindex", "0");
    frame.group.focus();
  };

  for (const frame of frames) prepare(frame, all);
  all.group.setAttribute("tabindex", "0");
  search.hidden = false;

  svg.addEventListener("click", (event) => {
    const frame = frameOf(event);
    if (!frame) return;
    move(frame);
    zoom(frame);
  });
  svg.addEventListener("pointerover", (event) => tell(frameOf(event)));
  svg.addEventListener("pointerleave", () => tell(undefined));
  svg.addEventListener("focusin", (event) => tell(frameOf(event)));
  svg.addEventListener("keydown", (event) => {
    const frame = frameOf(event);
    const next = frame && neighbour(frame, frames, event.key);
    if (next) move(next);
    else if (frame && (event.key === "Enter" || event.key === " ")) zoom(frame);
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && zoomed !== all) zoom(all);
    if (event.key !== "/" || event.target === search) return;
    event.preventDefault();
    search.focus();
  });
  reset.addEventListener("click", () => zoom(all));
  search.addEventListener("input", find);
  new ResizeObserver(() => label(frames)).observe(svg);
  zoom(all);
}

// The frames, roots first.
function read() {
  const frames = [...svg.querySelectorAll("g > rect")].map((rect) => {
    const group = rect.parentNode;
    const [title, text] = [group.querySelector("title"), group.querySelector("text")];
    const number = (attribute) => Number(rect.getAttribute(attribute));
    // The text after the name is put more readably below.
    const name = title.textContent.replace(/ \([^()]*\)$/, "");
    return { group, rect, title, text, name, x: number("fg:x"), w: number("fg:w"), y: number("y") };
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

function prepare(frame, all) {
  const { group } = frame;
  group.frame = frame;
  group.classList.add("frame", family(frame.name, frame === all));
  group.setAttribute("tabindex", "-1");
  group.setAttribute("role", "button");
  const description = describe(frame, all);
  group.setAttribute("aria-label", description);
  frame.title.textContent = description;
  frame.text.setAttribute("dx", "4");
}

// Which colour a frame has. Modules of a crate differ, since most frames are of one crate.
function family(name, isAll) {
  if (isAll) return "all";
  const [, crate, module] = name.match(/^[<&*]*(?:mut |dyn )?(\w+)::(\w*)/) ?? [];
  if (crate === "contend") return "wrapper";
  if (["core", "std", "alloc"].includes(crate)) return "std";
  if (!crate) return "unknown";
  let hash = 0;
  for (const char of `${crate}::${module}`) hash = (hash * 31 + char.codePointAt(0)) % 9973;
  return `module${hash % 6}`;
}

function describe(frame, all) {
  const share = ((100 * frame.w) / all.w).toFixed(1);
  return `${frame.name} · ${amount(frame.w)} · ${share}%`;
}

function amount(value) {
  if (svg.dataset.value !== "delay") return `${value.toLocaleString("en")} contentions`;
  const units = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]];
  const [size, unit] = units.find(([size]) => value >= size * 0.9995) ?? [1, "ns"];
  const number = value / size;
  const digits = size === 1 || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  return `${number.toFixed(digits)} ${unit}`;
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

// As much of each name as there is room for. The end of a path tells more than the beginning.
function label(frames) {
  const sample = frames[0].text;
  sample.textContent = "m".repeat(50);
  const charWidth = sample.getComputedTextLength() / 50;
  const available = svg.clientWidth || svg.getBoundingClientRect().width;
  for (const frame of frames) {
    if (!frame.shown) continue;
    const room = Math.floor((frame.width * available - 8) / charWidth);
    frame.text.textContent = fitting(frame.name, room);
  }
}

function fitting(name, room) {
  const chars = [...name];
  if (chars.length <= room) return name;
  return room < 3 ? "" : `…${chars.slice(chars.length - room + 1).join("")}`;
}

// Marks what matches, and says how much of what is shown it is.
function highlight(frames, root, wanted) {
  const matches = matcher(wanted);
  let [count, width] = [0, 0];
  for (const frame of frames) {
    frame.matched = frame.inside && matches(frame.name);
    frame.counted = frame.matched || Boolean(frame.parent?.counted);
    frame.group.classList.toggle("matched", frame.matched);
    if (!frame.matched) continue;
    count += 1;
    // A frame below a match is in it already.
    if (!frame.parent?.counted) width += frame.w;
  }
  svg.classList.toggle("searching", wanted !== "");
  if (wanted === "") return "";
  return `${count} matched: ${((100 * width) / root.w).toFixed(1)}%`;
}

function matcher(wanted) {
  if (wanted === "") return () => false;
  try {
    const pattern = new RegExp(wanted, "iu");
    return (name) => pattern.test(name);
  } catch {
    // A name with brackets in it, say.
    const literal = wanted.toLowerCase();
    return (name) => name.toLowerCase().includes(literal);
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
