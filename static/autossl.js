// What htmx's attributes can't say. Every page works without this file.
document.documentElement.classList.add("js");

// On a phone the tabs are wider than the window: the present one is moved into it.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

function tell(text) {
  const line = document.createElement("p");
  line.className = "toast bad";
  line.append(Object.assign(document.createElement("span"), { textContent: text }));
  const close = Object.assign(document.createElement("button"), { type: "button", className: "close", textContent: "×" });
  close.setAttribute("aria-label", "Dismiss");
  close.dataset.dismiss = "";
  line.append(close);
  document.getElementById("status").replaceChildren(line);
}

// A checkbox with data-check-all="NAME" checks every box of that name in its form; data-checked shows how many are.
function count(form) {
  const boxes = [...form.elements].filter((box) => box.type === "checkbox" && box.name);
  for (const all of form.querySelectorAll("[data-check-all]")) {
    const same = boxes.filter((box) => box.name === all.dataset.checkAll);
    const checked = same.filter((box) => box.checked).length;
    all.checked = checked > 0 && checked === same.length;
    all.indeterminate = checked > 0 && checked < same.length;
    for (const place of form.querySelectorAll("[data-checked]")) place.textContent = checked;
  }
}

document.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLInputElement) || target.type !== "checkbox" || !target.form) return;
  if (target.dataset.checkAll) {
    for (const box of target.form.elements) {
      if (box.name === target.dataset.checkAll && !box.disabled) box.checked = target.checked;
    }
  }
  count(target.form);
});

document.addEventListener("click", ({ target }) => {
  target.closest("[data-dismiss]")?.closest(".toast")?.remove();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// Nobody looks at a hidden tab: its polls wait.
document.addEventListener("htmx:beforeRequest", (event) => {
  const trigger = event.detail.elt.getAttribute("hx-trigger") || "";
  if (document.hidden && trigger.includes("every ") && !event.detail.requestConfig.triggeringEvent) event.preventDefault();
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => tell("The panel does not answer. What is shown may be old."));
}

document.addEventListener("htmx:afterSettle", () => document.querySelectorAll("form:has([data-check-all])").forEach(count));

// A log that grows is followed for as long as its end is in view.
let follows = false;
document.addEventListener("htmx:beforeSwap", ({ target, detail }) => {
  if (target.id === "more" && detail.shouldSwap) follows = target.getBoundingClientRect().top < innerHeight;
});
document.addEventListener("htmx:afterSettle", () => {
  if (follows) document.getElementById("log-live")?.scrollIntoView({ block: "end" });
  follows = false;
});
