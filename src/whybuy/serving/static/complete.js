"use strict";

/* Suggestions below each search box: the combobox with a list of WAI-ARIA. Without it the box is a plain one. */
const PAUSE_MS = 60;
const SHOWN = 8;
const LOOKED_BACK = 3;
const LABELS = { typo: "corrected", shorter: "begins alike" };

function option(completion, id) {
  const entry = Object.assign(document.createElement("li"), { id, dir: "auto" });
  entry.setAttribute("role", "option");
  entry.setAttribute("aria-selected", "false");
  const letters = Array.from(completion.text);
  let told = 0;
  for (const [start, end] of [...completion.typed, [letters.length, letters.length]]) {
    entry.append(letters.slice(told, start).join(""));
    if (end > start) entry.append(Object.assign(document.createElement("span"), { textContent: letters.slice(start, end).join("") }));
    told = end;
  }
  entry.dataset.text = completion.text;
  const label = LABELS[completion.fit] ?? (completion.category && `in ${completion.category}`);
  if (label) entry.append(Object.assign(document.createElement("small"), { textContent: label }));
  return entry;
}

/* What this tab asked before, the latest first: the query of this page, then those of earlier pages. */
function askedBefore(query) {
  try {
    const asked = JSON.parse(sessionStorage.getItem("asked") ?? "[]").filter((earlier) => earlier !== query);
    if (query) asked.unshift(query);
    sessionStorage.setItem("asked", JSON.stringify(asked.slice(0, LOOKED_BACK)));
    return asked.slice(0, LOOKED_BACK);
  } catch {
    return query ? [query] : []; /* a browser that keeps nothing */
  }
}

function complete(form) {
  const input = form.elements.q;
  const previous = askedBefore(input.defaultValue.trim()).map((query) => ["previous", query]);
  const list = Object.assign(document.createElement("ul"), { id: `${input.id}-completions`, className: "completions", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  form.append(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) {
    input.setAttribute(name, value);
  }
  let typed = input.value;
  let chosen = -1;
  let waiting = 0;
  let asking = new AbortController();

  function open(completions) {
    list.replaceChildren(...completions.map((completion, place) => option(completion, `${list.id}-${place}`)));
    choose(-1);
    list.hidden = !completions.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  }

  function close() {
    clearTimeout(waiting);
    asking.abort();
    open([]);
  }

  function choose(place) {
    chosen = place;
    for (const [at, entry] of [...list.children].entries()) entry.setAttribute("aria-selected", String(at === place));
    if (place < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", list.children[place].id);
  }

  /* An answer is shown only while what it was asked for still stands in the box, whenever it comes. */
  async function ask() {
    asking.abort();
    asking = new AbortController();
    const prefix = typed;
    try {
      const answer = await fetch(`/v1/complete?${new URLSearchParams([["prefix", prefix], ["limit", SHOWN], ...previous])}`, { signal: asking.signal });
      const { completions } = answer.ok ? await answer.json() : { completions: [] };
      if (typed === prefix && input.value === prefix && document.activeElement === input) open(completions);
    } catch (error) {
      if (error.name !== "AbortError" && typed === prefix) open([]);
    }
  }

  function step(by) {
    const places = list.children.length + 1;
    choose(((chosen + 1 + by + places) % places) - 1);
    input.value = chosen < 0 ? typed : list.children[chosen].dataset.text;
  }

  input.addEventListener("input", (event) => {
    typed = input.value;
    clearTimeout(waiting);
    if (!typed.trim()) close();
    else if (!event.isComposing) waiting = setTimeout(ask, PAUSE_MS);
  });
  input.addEventListener("compositionend", () => {
    waiting = setTimeout(ask, PAUSE_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask();
      else step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      input.value = typed;
      close();
    }
  });
  input.addEventListener("blur", close);
  form.addEventListener("submit", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); /* the box keeps the focus */
  list.addEventListener("click", (event) => {
    const entry = event.target.closest("li");
    if (!entry) return;
    input.value = entry.dataset.text;
    form.requestSubmit();
  });
}

document.querySelectorAll('form[role="search"]').forEach(complete);
