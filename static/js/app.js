// Keys and dialogs of the signed-in pages. Everything here is a shortcut: each thing it does can
// also be done by the links and forms of the page, with this file blocked.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const isTyping = (element) => element.matches("input, select, textarea, [contenteditable]");

// htmx notes the page's address for a history that nothing here uses. It may hold a telephone that
// was searched for, so it goes at once: the browser keeps the one cookie and nothing else.
sessionStorage.removeItem("htmx-current-path-for-history");

// ---------------------------------------------------------------- dialogs

function open(dialog) {
  if (dialog && !dialog.open) dialog.showModal();
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    closeMenus();
    open(document.getElementById(opener.dataset.opens));
  }
  if (event.target.matches("dialog")) event.target.close(); // the backdrop belongs to the dialog
  all("details.me[open]").forEach((menu) => menu.contains(event.target) || (menu.open = false));
});

function closeMenus() {
  const menu = one("details.me[open]");
  if (!menu) return;
  menu.open = false;
  one("summary", menu).focus();
}

// ---------------------------------------------------------------- the command palette

const palette = document.getElementById("palette");

class Palette {
  constructor(dialog) {
    this.dialog = dialog;
    this.input = one("input", dialog);
    this.options = all("[role=option]", dialog);
    this.input.addEventListener("input", () => this.filter());
    this.input.addEventListener("keydown", (event) => this.walk(event));
    dialog.addEventListener("toggle", () => dialog.open && this.restart());
  }

  get shown() {
    return this.options.filter((option) => !option.hidden);
  }

  restart() {
    this.input.value = "";
    this.filter();
    this.input.focus();
  }

  filter() {
    const words = this.input.value.trim().toLowerCase();
    for (const option of this.options) {
      const isSearch = "always" in option.dataset;
      option.hidden = isSearch ? !words : !option.textContent.toLowerCase().includes(words);
    }
    one("[data-echo]", this.dialog).textContent = this.input.value.trim();
    // A command that matches comes before the search, which always does.
    this.select(this.shown.find((option) => !("always" in option.dataset)) ?? this.shown[0]);
  }

  select(chosen) {
    this.options.forEach((option) => option.setAttribute("aria-selected", option === chosen));
    this.chosen = chosen;
    this.input.setAttribute("aria-activedescendant", chosen?.id ?? "");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  walk(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const { shown } = this;
      this.select(shown[(shown.indexOf(this.chosen) + step + shown.length) % shown.length]);
    } else if (event.key === "Enter") {
      this.chosen?.click();
    } else {
      return;
    }
    event.preventDefault();
  }
}

if (palette) new Palette(palette);

// ---------------------------------------------------------------- rows of a list

function step(by) {
  const links = all("[data-rows] th a");
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[Math.min(Math.max(next, 0), links.length - 1)].focus();
}

// The way back to the list, as it was left: the browser knows which, and nothing else is asked.
const toList = one("a[data-list]");
if (toList && window.navigation) {
  const before = navigation.entries().slice(0, navigation.currentEntry.index).reverse();
  toList.href = before.find(({ url }) => new URL(url).pathname === toList.pathname)?.url ?? toList.href;
}

// On a phone the tabs are a row that scrolls: the open one comes into view.
one(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// ---------------------------------------------------------------- keys

// WCAG 2.1.4: keys without a modifier can be switched off. Nothing is kept unless somebody does.
const singleKeys = {
  get on() {
    return localStorage.getItem("single-keys") !== "off";
  },
  set on(on) {
    if (on) localStorage.removeItem("single-keys");
    else localStorage.setItem("single-keys", "off");
  },
};

const keys = {
  j: () => step(1),
  k: () => step(-1),
  "/": () => one("#search") ? one("#search").select() : open(palette),
  "?": () => open(document.getElementById("shortcuts")),
};
// The same keys under a Russian layout.
Object.assign(keys, { о: keys.j, л: keys.k, ".": keys["/"], ",": keys["?"] });

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.code === "KeyK") {
    event.preventDefault();
    open(palette);
  } else if (event.key === "Escape") {
    closeMenus();
  } else if (isPlain(event) && singleKeys.on && keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

function isPlain(event) {
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  return !modified && !isTyping(event.target) && !one("dialog[open]");
}

const keysSwitch = document.getElementById("single-keys");
if (keysSwitch) {
  keysSwitch.checked = singleKeys.on;
  keysSwitch.addEventListener("change", () => (singleKeys.on = keysSwitch.checked));
}

// ---------------------------------------------------------------- forms

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-line]");
  if (button) addLine(button.closest("[data-formset]"));
});

function addLine(formset) {
  const total = one(`[name="${formset.dataset.formset}-TOTAL_FORMS"]`, formset);
  const lines = one("[data-lines]", formset);
  const blank = one("template", formset).innerHTML.replaceAll("__prefix__", total.value);
  lines.insertAdjacentHTML("beforeend", blank);
  total.value = Number(total.value) + 1;
  one("input:not([type=hidden]), select", lines.lastElementChild)?.focus();
}

// What stands in the card's comment box goes along with a step that has a form of its own, too.
document.addEventListener("formdata", (event) => {
  const box = one("#saying [name=text]");
  if (box && event.target.closest(".moves")) event.formData.append("text", box.value);
});

// How many of the boxes of a name are ticked stands below them.
function countTicks(output) {
  const boxes = all(`[name="${output.dataset.counts}"]`, output.form);
  output.value = `${boxes.filter((box) => box.checked).length} / ${boxes.length}`;
}
const countAllTicks = () => all("output[data-counts]").forEach(countTicks);
document.addEventListener("change", countAllTicks);
addEventListener("pageshow", countAllTicks); // a browser that comes back ticks them as they were

// Copying; where the browser forbids it the text is selected instead, for the keys that copy.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = button.dataset.done;
  } catch {
    getSelection().selectAllChildren(source);
  }
});

// What takes a while says so, and is not asked for twice. Its button stays enabled, since a disabled
// one would not be sent. Back on a page that the browser has kept, nothing is under way.
document.addEventListener("submit", (event) => {
  const { target } = event;
  if (!("slow" in target.dataset)) return;
  if (target.ariaBusy === "true") event.preventDefault();
  target.ariaBusy = "true";
});
addEventListener("pageshow", () => all("form[data-slow]").forEach((form) => (form.ariaBusy = null)));

// A file beyond the limit is refused before it travels. Captured, so as to come before htmx.
document.addEventListener("change", (event) => {
  const { files, dataset } = event.target;
  if (!files || !dataset.maxBytes) return;
  const isTooLarge = [...files].some((file) => file.size > Number(dataset.maxBytes));
  event.target.setCustomValidity(isTooLarge ? dataset.tooLarge : "");
  if (!isTooLarge) return;
  event.stopImmediatePropagation();
  event.target.reportValidity();
}, true);

one("[data-focus]")?.focus();

// A page that looks by itself whether something has happened is left as it is, with the place where
// one is in it, where nothing has. What differs each time is in no text.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { target, xhr } = detail;
  if (!target.matches("[hx-trigger^=every]") || xhr.status !== 200) return;
  const found = new DOMParser().parseFromString(xhr.response, "text/html").getElementById(target.id);
  if (found?.textContent === target.textContent) detail.shouldSwap = false;
});

// What is shown once has an address where the rest of it stays: loading that again makes no other.
const stays = one("[data-address]");
if (stays) history.replaceState(null, "", stays.dataset.address);

// ---------------------------------------------------------------- access links

// How long a link still opens: minutes and seconds beside the time that the page itself says. Once
// it is over the page shows nothing any more: it asks, and is refused.
function countDown() {
  for (const element of all("[data-until]")) {
    const left = Math.floor((new Date(element.dataset.until) - Date.now()) / 1000);
    const clock = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
    const ranOut = left <= 0 && (element.dataset.left || left % 30 === 0);
    element.dataset.left = left > 0 ? clock.map((part) => String(part).padStart(2, "0")).join(":") : "";
    if (ranOut && element.closest(".under-grant")) location.reload();
  }
}
if (one("[data-until]")) {
  countDown();
  setInterval(countDown, 1000);
}
