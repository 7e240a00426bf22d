"use strict";

/* Forms are sent one after another; the page changes only when the server has kept the answer. */
let sending = Promise.resolve();

const reason = () => document.querySelector(".reason")?.dataset.number;

function say(words) {
  document.querySelector(".trouble")?.remove();
  if (!words) return;
  const notice = document.createElement("p");
  notice.className = "trouble";
  notice.setAttribute("role", "alert");
  notice.textContent = words;
  document.body.append(notice);
}

function show(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const main = document.getElementById("main");
  const focused = main.contains(document.activeElement);
  main.replaceWith(page.getElementById("main"));
  if (focused) document.getElementById("main").focus();
  document.title = page.title;
}

async function send(action, body) {
  try {
    const answer = await fetch(action, { method: "POST", body });
    if (answer.status === 409) {
      show(await (await fetch("/")).text());
      say("That was answered before. This is what comes next.");
    } else if (answer.ok) {
      show(await answer.text());
      say("");
    } else {
      say("Not kept: the server refused the answer. Reload the page.");
    }
  } catch {
    say("Not kept: the server does not answer. Nothing is lost but this last answer; press the key again.");
  }
}

/* A key that was pressed for one reason never answers the next one. */
function press(key) {
  const pressedFor = reason();
  sending = sending.then(async () => {
    const button = document.querySelector(`[data-live] [data-key="${key}"]`);
    if (!button || (key !== "u" && reason() !== pressedFor)) return;
    const body = new URLSearchParams(new FormData(button.form, button));
    await send(button.form.getAttribute("action"), body);
  });
}

addEventListener("keydown", (event) => {
  const dialog = document.getElementById("guidelines");
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !dialog) return;
  if (event.key === "?") dialog.open ? dialog.close() : dialog.showModal();
  else if (!dialog.open && "ynu".includes(event.key.toLowerCase())) press(event.key.toLowerCase());
});

addEventListener("submit", (event) => {
  if (!event.target.matches("[data-live]")) return;
  event.preventDefault();
  press(event.submitter.dataset.key);
});

const { refresh } = document.getElementById("main").dataset;
if (refresh) {
  setInterval(async () => {
    try {
      show(await (await fetch(location.href)).text());
    } catch {
      say("The server does not answer; these figures are the last ones.");
    }
  }, refresh * 1000);
}
