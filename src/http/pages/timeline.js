// Draws a window of time: a row for each thread, a bar for each wait, an arrow from whoever let it go.
//
// The rows come as tables of numbers (see `timeline/json.rs`). What is in view is painted on a canvas that
// nobody sees, and copied from there: to point at a wait marks it on the copy. Where many waits fall on
// one pixel, one bar stands for them.
"use strict";

const chart = document.getElementById("chart");
if (chart) main();

async function main() {
  const state = document.getElementById("state");
  const seconds = chart.dataset.seconds;
  if (!seconds) {
    say(state, "Choose how long, and press Record: the page shows what the program's threads wait for in that time.");
    return;
  }
  say(state, `Recording the next ${seconds} s…`);
  let data;
  try {
    const answer = await fetch(`trace?format=json&seconds=${encodeURIComponent(seconds)}`);
    if (!answer.ok) throw new Error((await answer.text()).trim() || `status ${answer.status}`);
    data = read(await answer.json());
  } catch (error) {
    say(state, `The window could not be recorded: ${error.message}`);
    return;
  }
  if (data.waits.length === 0 && data.regions.length === 0) {
    say(state, `No thread waited for anything of contend's types in ${time(data.duration)}.`);
    return;
  }
  state.hidden = true;
  for (const hidden of document.querySelectorAll(".controls, .hint")) hidden.hidden = false;
  chart.hidden = false;
  window.timeline = new Chart(data);
}

function say(state, text) {
  state.textContent = text;
  state.hidden = false;
}

/// The rows as objects, threads with their waits in order.
function read(raw) {
  const text = (id) => (id < 0 ? "" : raw.texts[id]);
  const threads = raw.threads.map(([name, tid, begin, end], index) => ({
    index, name, tid, begin, end, waits: [], regions: [], logs: [], depth: 0,
  }));
  const waits = raw.waits.map(([thread, kind, lock, begin, end, stack, waker, at, releaseStack, flags, labels, wakerLabels], index) => ({
    index, thread: threads[thread], kind: text(kind), lock: text(lock), begin, end,
    stack, waker: threads[waker], at, releaseStack, isOfTask: (flags & 1) > 0, goesOn: (flags & 2) > 0,
    labels: raw.labels[labels] || "", wakerLabels: raw.labels[wakerLabels] || "",
  }));
  for (const wait of waits) wait.thread.waits.push(wait);
  const regions = raw.regions.map(([thread, name, begin, end, depth, task]) => ({
    thread: threads[thread], name: text(name) || "region", begin, end: end < 0 ? raw.duration : end, depth, task,
  }));
  for (const region of regions) {
    region.thread.regions.push(region);
    region.thread.depth = Math.max(region.thread.depth, region.depth + 1);
  }
  for (const [thread, at, category, words, task] of raw.logs) {
    threads[thread].logs.push({ at, text: `${text(category)}: ${text(words)}`, task });
  }
  const stacks = raw.stacks.map((ids) => {
    const frames = [];
    for (let at = 0; at < ids.length; at += 2) frames.push({ name: text(ids[at]), place: text(ids[at + 1]) });
    return frames;
  });
  // Those with nothing to show only take room. Of very many those that have most are shown.
  const size = (thread) => thread.waits.length + thread.regions.length + thread.logs.length;
  const some = threads.filter((thread) => size(thread) > 0);
  const most = new Set([...some].sort((a, b) => size(b) - size(a)).slice(0, MAX_ROWS));
  const shown = some.filter((thread) => most.has(thread));
  return { ...raw, threads: shown, hidden: some.length - shown.length, waits, regions, stacks };
}

const ROW = 22;
const REGION = 7;
const MAX_DEPTH = 4;
// A canvas has an end.
const MAX_ROWS = 400;
const AXIS = 24;
const GAP = 6;
const HUES = [12, 205, 130, 275, 45, 330, 175, 85, 240, 300];

class Chart {
  constructor(data) {
    this.data = data;
    this.canvas = document.getElementById("canvas");
    this.front = this.canvas.getContext("2d");
    // What is painted is copied from here.
    this.picture = document.createElement("canvas");
    this.context = this.picture.getContext("2d");
    this.details = document.getElementById("details");
    this.both = document.getElementById("both");
    this.search = document.getElementById("search");
    this.matched = document.getElementById("matched");
    this.from = 0;
    this.to = data.duration;
    this.hovered = null;
    this.chosen = null;
    this.matches = null;
    this.match = -1;
    this.kinds = [...new Set(data.waits.map((wait) => wait.kind))].sort();
    this.legend();
    this.place();
    this.listen();
    this.resize();
  }

  /// Where each thread's row begins.
  place() {
    let top = AXIS;
    for (const thread of this.data.threads) {
      thread.top = top;
      thread.regionTop = top + ROW;
      top += ROW + Math.min(thread.depth, MAX_DEPTH) * REGION + GAP;
    }
    this.height = top + 4;
  }

  legend() {
    const list = document.getElementById("legend");
    this.kinds.forEach((kind) => {
      const item = document.createElement("li");
      const waits = this.data.waits.filter((wait) => wait.kind === kind);
      const total = waits.reduce((sum, wait) => sum + wait.end - wait.begin, 0);
      const mark = document.createElement("span");
      mark.style.background = this.colour(kind, 1);
      item.append(mark, `${kind}: ${waits.length} waits, ${time(total)}`);
      list.append(item);
    });
    const notes = [[this.data.missing, "events are missing"], [this.data.hidden, "more threads are not shown"]];
    for (const [count, words] of notes) {
      if (count === 0) continue;
      const item = document.createElement("li");
      item.textContent = `${count} ${words}`;
      list.append(item);
    }
  }

  colour(kind, alpha) {
    const hue = HUES[this.kinds.indexOf(kind) % HUES.length];
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    return `hsl(${hue} ${dark ? 55 : 60}% ${dark ? 62 : 38}% / ${alpha})`;
  }

  style(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  resize() {
    const width = chart.clientWidth;
    const ratio = window.devicePixelRatio || 1;
    this.width = width;
    this.left = Math.min(140, Math.max(70, width * 0.18));
    for (const canvas of [this.canvas, this.picture]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(this.height * ratio);
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${this.height}px`;
    this.later();
  }

  x(at) {
    return this.left + ((at - this.from) / (this.to - this.from)) * (this.width - this.left);
  }

  at(x) {
    return this.from + ((x - this.left) / (this.width - this.left)) * (this.to - this.from);
  }

  /// Draws at the next frame, once however often it is asked. `marks`: nothing has changed but what is
  /// marked.
  later(marks = false) {
    this.isPainted &&= marks;
    if (this.isPlanned) return;
    this.isPlanned = true;
    requestAnimationFrame(() => {
      this.isPlanned = false;
      this.draw();
    });
  }

  draw() {
    if (!this.isPainted) this.paint();
    this.isPainted = true;
    this.front.clearRect(0, 0, this.width, this.height);
    this.front.drawImage(this.picture, 0, 0, this.width, this.height);
    for (const wait of [this.chosen, this.hovered]) if (wait) this.arrow(wait, this.style("--ink"));
  }

  paint() {
    const { context } = this;
    const [ink, quiet, line, raised] = ["--ink", "--quiet", "--line", "--raised"].map((name) => this.style(name));
    // Looked up once for each frame: there may be thousands of waits.
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    this.solid = new Map(this.kinds.map((kind) => [kind, this.colour(kind, 1)]));
    this.faint = new Map(this.kinds.map((kind) => [kind, this.colour(kind, 0.15)]));
    const words = isDark ? "#16140f" : "#fff";
    context.clearRect(0, 0, this.width, this.height);
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    this.axis(quiet, line);
    for (const thread of this.data.threads) {
      context.fillStyle = line;
      context.globalAlpha = 0.5;
      const begin = Math.max(this.x(thread.begin < 0 ? 0 : thread.begin), this.left);
      const end = Math.min(this.x(thread.end < 0 ? this.data.duration : thread.end), this.width);
      context.fillRect(begin, thread.top + ROW / 2 - 1, Math.max(end - begin, 0), 2);
      context.globalAlpha = 1;
      // Matches are not covered by what is none.
      if (this.matches) this.waits(thread, raised, words, true);
      this.waits(thread, raised, words, false);
      this.regions(thread, ink, quiet);
    }
    // Names cover what was drawn to the left of the chart.
    context.fillStyle = raised;
    context.fillRect(0, 0, this.left, this.height);
    for (const thread of this.data.threads) {
      context.fillStyle = ink;
      context.fillText(fit(context, thread.name, this.left - 12), 8, thread.top + ROW / 2);
    }
  }

  axis(quiet, line) {
    const { context } = this;
    const span = this.to - this.from;
    const least = (span / Math.max(this.width - this.left, 1)) * 90;
    let step = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
    for (const factor of [2, 5, 10]) if (step < least) step = 10 ** Math.floor(Math.log10(least)) * factor;
    for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
      const x = this.x(at);
      context.fillStyle = line;
      context.fillRect(x, AXIS - 4, 1, this.height);
      context.fillStyle = quiet;
      context.fillText(mark(at, step), x + 3, AXIS / 2);
    }
  }

  /// With `isDim` those that do not match the search.
  waits(thread, raised, words, isDim) {
    const { context } = this;
    const waits = thread.waits;
    let drawn = -1;
    for (let index = first(waits, this.from); index < waits.length; index++) {
      const wait = waits[index];
      if (wait.begin > this.to) break;
      if (wait.end < this.from) continue;
      const begin = Math.max(this.x(wait.begin), this.left);
      const end = Math.min(Math.max(this.x(wait.end), begin + 1), this.width);
      // One bar for all that fall on the same pixel.
      if (end <= drawn || (this.matches && this.matches.has(wait) === isDim)) continue;
      drawn = end;
      const height = wait.isOfTask ? ROW / 3 : ROW - 6;
      const top = thread.top + (ROW - height) / 2;
      context.fillStyle = (isDim ? this.faint : this.solid).get(wait.kind);
      context.fillRect(begin, top, end - begin, height);
      if (wait.at >= 0 && !isDim) {
        const released = Math.max(this.x(wait.at), this.left);
        if (end - released > 1) {
          context.fillStyle = raised;
          context.globalAlpha = 0.6;
          context.fillRect(released, top, end - released, height);
          context.globalAlpha = 1;
        }
      }
      if (end - begin > 70 && !isDim && !wait.isOfTask) {
        context.fillStyle = words;
        context.fillText(fit(context, `${wait.kind} ${time(wait.end - wait.begin)}`, end - begin - 8), begin + 4, thread.top + ROW / 2);
      }
    }
  }

  regions(thread, ink, quiet) {
    const { context } = this;
    for (const region of thread.regions) {
      if (region.begin > this.to) break;
      if (region.end < this.from || region.depth >= MAX_DEPTH) continue;
      const begin = Math.max(this.x(region.begin), this.left);
      const end = Math.min(Math.max(this.x(region.end), begin + 1), this.width);
      context.fillStyle = quiet;
      context.globalAlpha = 0.35 + 0.12 * region.depth;
      context.fillRect(begin, thread.regionTop + region.depth * REGION, end - begin, REGION - 2);
      context.globalAlpha = 1;
    }
    context.fillStyle = ink;
    for (const log of thread.logs) {
      if (log.at >= this.from && log.at <= this.to) context.fillRect(this.x(log.at), thread.top + 1, 1, 3);
    }
  }

  /// From the release to where the waiter goes on.
  arrow(wait, ink) {
    const context = this.front;
    const y = wait.thread.top + ROW / 2;
    const begin = Math.max(this.x(wait.begin), this.left);
    const end = Math.min(this.x(wait.end), this.width);
    context.strokeStyle = ink;
    context.lineWidth = 2;
    context.strokeRect(begin, wait.thread.top + 2, Math.max(end - begin, 2), ROW - 4);
    if (!wait.waker || wait.waker.top === undefined || wait.at < this.from || wait.at > this.to) return;
    const [x, from] = [this.x(wait.at), wait.waker.top + ROW / 2];
    const way = Math.sign(y - from) || 1;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x, from);
    context.lineTo(x, y - way * (ROW / 2 - 3));
    context.stroke();
    context.fillStyle = ink;
    context.beginPath();
    context.arc(x, from, 4, 0, 7);
    context.fill();
    context.beginPath();
    context.moveTo(x, y - way * (ROW / 2 - 4));
    context.lineTo(x - 4, y - way * (ROW / 2 + 4));
    context.lineTo(x + 4, y - way * (ROW / 2 + 4));
    context.fill();
  }

  zoom(factor, x = (this.left + this.width) / 2) {
    const at = this.at(Math.max(x, this.left));
    const span = Math.min(Math.max((this.to - this.from) * factor, 200), this.data.duration);
    const share = (at - this.from) / (this.to - this.from);
    this.show(at - span * share, span);
  }

  show(from, span) {
    this.from = Math.min(Math.max(from, 0), Math.max(this.data.duration - span, 0));
    this.to = this.from + span;
    this.later();
  }

  move(pixels) {
    const span = this.to - this.from;
    this.show(this.from + (pixels / (this.width - this.left)) * span, span);
  }

  /// The wait or region at a point.
  find(x, y) {
    const thread = this.data.threads.find((thread) => y >= thread.top && y < thread.top + ROW + Math.min(thread.depth, MAX_DEPTH) * REGION + GAP);
    if (!thread || x < this.left) return {};
    if (y >= thread.regionTop) {
      const depth = Math.floor((y - thread.regionTop) / REGION);
      const region = thread.regions.find((region) => region.depth === depth && this.x(region.begin) - 1 <= x && this.x(region.end) + 1 >= x);
      return { thread, region };
    }
    let best = null;
    const near = (this.to - this.from) / (this.width - this.left) * 2;
    for (let index = first(thread.waits, this.at(x) - near); index < thread.waits.length; index++) {
      const wait = thread.waits[index];
      if (wait.begin > this.at(x) + near) break;
      if (wait.end < this.at(x) - near) continue;
      // The longest of those that are too narrow to tell apart.
      if (!best || wait.end - wait.begin > best.end - best.begin) best = wait;
    }
    return { thread, wait: best };
  }

  hover(x, y) {
    const { thread, wait, region } = this.find(x, y);
    this.canvas.style.cursor = wait ? "pointer" : "default";
    this.details.textContent = wait ? this.tell(wait)
      : region ? `${region.name}: ${time(region.end - region.begin)} in ${thread.name}${region.task ? `, task ${region.task}` : ""}`
      : "";
    if (wait !== this.hovered) {
      this.hovered = wait || null;
      this.later(true);
    }
  }

  tell(wait) {
    const what = wait.lock ? `${wait.kind} ${wait.lock}` : wait.kind;
    const who = (wait.isOfTask ? "a task" : wait.thread.name) + braced(wait.labels);
    const end = wait.goesOn ? " and goes on"
      : wait.waker ? `, let go by ${wait.waker.name}${braced(wait.wakerLabels)}, went on ${time(wait.end - wait.at)} later` : "";
    return `${who} waited ${time(wait.end - wait.begin)} for ${what}, from ${time(wait.begin)}${end}`;
  }

  choose(wait) {
    this.chosen = wait || null;
    this.both.hidden = !wait;
    this.both.replaceChildren();
    if (wait) {
      this.both.append(
        this.stack(`${wait.isOfTask ? "A task" : wait.thread.name}${braced(wait.labels)} waited ${time(wait.end - wait.begin)} for ${wait.kind} ${wait.lock}`, wait.stack),
        this.stack(wait.waker ? `${wait.waker.name}${braced(wait.wakerLabels)} let it go` : "Nobody was seen to let it go", wait.releaseStack),
      );
    }
    this.later(true);
  }

  stack(heading, index) {
    const part = document.createElement("div");
    const title = document.createElement("h2");
    title.textContent = heading;
    const list = document.createElement("ol");
    const frames = this.data.stacks[index] || [];
    for (const { name, place } of frames) {
      const item = document.createElement("li");
      const [function_, where] = ["code", "span"].map((tag) => document.createElement(tag));
      function_.textContent = name;
      where.textContent = place;
      item.append(function_, " ", where);
      list.append(item);
    }
    part.append(title, frames.length ? list : Object.assign(document.createElement("p"), { textContent: "No stack is known." }));
    return part;
  }

  find_text() {
    const words = this.search.value.trim().toLowerCase();
    this.match = -1;
    if (!words) {
      this.matches = null;
      this.matched.textContent = "";
    } else {
      const stacks = this.data.stacks.map((frames) => frames.some((frame) => frame.name.toLowerCase().includes(words)));
      const isMatch = (wait) =>
        stacks[wait.stack] || (wait.waker && stacks[wait.releaseStack]) ||
        [wait.kind, wait.lock, wait.thread.name, wait.labels, wait.wakerLabels].some((text) => text.toLowerCase().includes(words));
      this.matches = new Set(this.data.waits.filter(isMatch));
      const total = [...this.matches].reduce((sum, wait) => sum + wait.end - wait.begin, 0);
      this.matched.textContent = `${this.matches.size} of ${this.data.waits.length} waits, ${time(total)}`;
    }
    this.later();
  }

  /// Goes to the next match.
  next() {
    const matches = [...(this.matches || [])];
    if (matches.length === 0) return;
    this.match = (this.match + 1) % matches.length;
    const wait = matches[this.match];
    const span = Math.min(Math.max((wait.end - wait.begin) * 4, 200), this.data.duration);
    this.show((wait.begin + wait.end) / 2 - span / 2, span);
    this.choose(wait);
    // The row may be out of sight.
    const top = this.canvas.getBoundingClientRect().top + wait.thread.top;
    if (top < 0 || top + ROW > window.innerHeight) window.scrollBy(0, top - window.innerHeight / 2);
  }

  listen() {
    const { canvas } = this;
    const spot = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const pointers = new Map();
    let moved = 0;
    canvas.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, spot(event));
      moved = 0;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const now = spot(event);
      const before = pointers.get(event.pointerId);
      if (!before) return this.hover(...now);
      if (pointers.size === 2) {
        const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
        const [wide, narrow] = [Math.abs(before[0] - other[0]), Math.abs(now[0] - other[0])];
        if (wide > 10 && narrow > 10) this.zoom(wide / narrow, (now[0] + other[0]) / 2);
        moved += 10;
      } else {
        moved += Math.abs(now[0] - before[0]);
        this.move(before[0] - now[0]);
      }
      pointers.set(event.pointerId, now);
    });
    const up = (event) => {
      const isClick = pointers.delete(event.pointerId) && moved < 5 && event.type === "pointerup";
      if (isClick) this.choose(this.find(...spot(event)).wait);
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => { this.hovered = null; this.details.textContent = ""; this.later(true); });
    canvas.addEventListener("wheel", (event) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        this.zoom(Math.exp(event.deltaY / 200), spot(event)[0]);
      } else if (event.deltaX) {
        event.preventDefault();
        this.move(event.deltaX);
      }
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const keys = {
        "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2),
        ArrowLeft: () => this.move(-80), ArrowRight: () => this.move(80),
        Enter: () => this.next(),
      };
      const act = keys[event.key];
      if (act) {
        event.preventDefault();
        act();
      }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && document.activeElement !== this.search) {
        event.preventDefault();
        this.search.focus();
      } else if (event.key === "Escape") {
        this.search.value = "";
        this.find_text();
        this.choose(null);
        this.show(0, this.data.duration);
      }
    });
    this.search.addEventListener("input", () => this.find_text());
    this.search.addEventListener("keydown", (event) => { if (event.key === "Enter") this.next(); });
    document.getElementById("in").addEventListener("click", () => this.zoom(0.5));
    document.getElementById("out").addEventListener("click", () => this.zoom(2));
    document.getElementById("all").addEventListener("click", () => this.show(0, this.data.duration));
    new ResizeObserver(() => this.resize()).observe(chart);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.later());
  }
}

/// The first wait that may reach beyond a time. Waits of a thread seldom overlap, and not by much.
function first(waits, at) {
  let [low, high] = [0, waits.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (waits[middle].begin < at) low = middle + 1;
    else high = middle;
  }
  while (low > 0 && waits[low - 1].end >= at) low--;
  return low;
}

/// The text, cut to a width.
function fit(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let length = Math.max(Math.floor((text.length * width) / context.measureText(text).width) - 1, 0);
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > width) length--;
  return length > 0 ? `${text.slice(0, length)}…` : "";
}

/// Labels, behind a name.
function braced(labels) {
  return labels ? ` {${labels}}` : "";
}

/// A time on an axis, with as many digits as tell it from the next one.
function mark(nanos, step) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (nanos >= size) return `${(nanos / size).toFixed(Math.max(Math.ceil(-Math.log10(step / size)), 0))}${unit}`;
  }
  return `${Math.round(nanos)}ns`;
}

/// Three digits and a unit, as elsewhere on these pages.
function time(nanos) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (nanos >= size * 0.9995) return `${Number((nanos / size).toPrecision(3))}${unit}`;
  }
  return `${Math.round(nanos)}ns`;
}
