// Says that a window of time is being recorded, and how long it takes still.
"use strict";

let timer;

function stop() {
  clearInterval(timer);
  for (const status of document.querySelectorAll("form.window output")) status.textContent = "";
}

function count(status, seconds) {
  stop();
  const end = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left <= 0) stop();
    else status.textContent = `recording, ${left} s left`;
  };
  timer = setInterval(tick, 250);
  tick();
}

for (const form of document.querySelectorAll("form.window")) {
  const { seconds } = form.elements;
  const status = form.querySelector("output");
  if (!seconds || !status) continue;
  form.addEventListener("submit", () => {
    if (seconds.value) count(status, Number(seconds.value));
  });
  // How much is recorded is a matter of windows; text is of all since the start.
  const check = form.querySelector(".check");
  const whole = form.querySelector(".whole");
  const follow = () => {
    if (check) check.hidden = !seconds.value;
    if (whole) whole.hidden = Boolean(seconds.value);
  };
  seconds.addEventListener("change", follow);
  addEventListener("pageshow", follow);
}

for (const link of document.querySelectorAll("a.again")) {
  const seconds = Number(new URL(link.href).searchParams.get("seconds"));
  link.title = `records another ${seconds} s`;
  const status = document.querySelector("form.window output");
  link.addEventListener("click", () => count(status, seconds));
}

// The page may come back from the browser's memory as it was left.
addEventListener("pageshow", stop);
