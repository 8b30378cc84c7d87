// Sets rates from the index.
"use strict";

async function set(button) {
  const status = button.closest("fieldset").querySelector("output");
  status.textContent = "setting…";
  status.classList.remove("error");
  try {
    const { name, rate } = button.dataset;
    const response = await fetch("rates", {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ [name]: Number(rate) }),
    });
    if (!response.ok) {
      const why = (await response.text()).trim();
      throw new Error(`not set: ${why || response.statusText} (status ${response.status})`);
    }
    location.reload();
  } catch (error) {
    status.textContent = error.message;
    status.classList.add("error");
  }
}

for (const fieldset of document.querySelectorAll("fieldset.rates")) {
  fieldset.hidden = false;
  for (const button of fieldset.querySelectorAll("button")) {
    button.addEventListener("click", () => set(button));
  }
}

// The addresses of the examples, as they are seen from here.
for (const code of document.querySelectorAll("code[data-path]")) {
  code.querySelector(".address").textContent = new URL(code.dataset.path, location.href).href;
}
