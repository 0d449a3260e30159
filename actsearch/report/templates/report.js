"use strict";
// The page is whole without this: it adds sorting, copying, and values that also show on focus.

function value(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.value !== undefined) {
    return Number(cell.dataset.value);
  }
  return cell.textContent.trim();
}

function compare(a, b) {
  if (a === "" || b === "") {
    return 0;
  }
  if (typeof a === "number" && typeof b === "number") {
    return a - b;
  }
  if (typeof a !== typeof b) {
    return typeof a === "number" ? -1 : 1;
  }
  return a.localeCompare(b, "en", { numeric: true });
}

function sort(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const head = heads[column];
  const before = head.getAttribute("aria-sort");
  // What a reader looks for first: the largest number, the first word.
  const first = head.classList.contains("number") ? "descending" : "ascending";
  const second = first === "descending" ? "ascending" : "descending";
  const order = before === first ? second : first;
  heads.forEach((one) => one.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, key: value(row, column) }));
  const full = rows.filter((one) => one.key !== "");
  const empty = rows.filter((one) => one.key === "");
  full.sort((a, b) => sign * compare(a.key, b.key));
  body.append(...[...full, ...empty].map((one) => one.row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  if (table.tBodies[0].rows.length < 2) {
    continue;
  }
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.textContent.trim()) {
      return;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, column));
    head.append(button);
  });
}

function selectAll(node) {
  const range = document.createRange();
  range.selectNodeContents(node);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

for (const code of document.querySelectorAll("[data-copy]")) {
  const frame = document.createElement("span");
  const button = document.createElement("button");
  frame.className = "copyable";
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${code.textContent.slice(0, 80)}`);
  code.replaceWith(frame);
  frame.append(code, button);
  button.addEventListener("click", async () => {
    selectAll(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}

// A value's further digits, at once and not after the browser's own pause.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);

function hideTip() {
  tip.hidden = true;
}

function showTip(event) {
  const cell = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
  if (!cell) {
    hideTip();
    return;
  }
  tip.textContent = cell.dataset.tip;
  tip.hidden = false;
  const place = cell.getBoundingClientRect();
  const left = Math.min(place.left, innerWidth - tip.offsetWidth - 8);
  const below = place.bottom + 6 + tip.offsetHeight < innerHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${below ? place.bottom + 6 : place.top - tip.offsetHeight - 6}px`;
}

document.addEventListener("pointerover", showTip);
document.addEventListener("focusin", showTip);
document.addEventListener("focusout", hideTip);
document.addEventListener("scroll", hideTip, true);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    hideTip();
  }
});
for (const cell of document.querySelectorAll("td[title], th[title]")) {
  cell.dataset.tip = cell.title;
  cell.setAttribute("aria-description", cell.title);
  cell.removeAttribute("title");
}

// On paper nothing can be opened; what is long and for reference stays out of it (report.css).
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open], .long)")];
  opened.forEach((one) => { one.open = true; });
});
addEventListener("afterprint", () => {
  opened.forEach((one) => { one.open = false; });
  opened = [];
});

// The keyboard stops at what it can scroll, and at nothing else that only scrolls.
function markScrollers() {
  for (const one of document.querySelectorAll(".scroll, .line")) {
    if (one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight + 1) {
      one.tabIndex = 0;
    } else {
      one.removeAttribute("tabindex");
    }
  }
}
markScrollers();
addEventListener("resize", markScrollers);
document.addEventListener("toggle", markScrollers, true);
