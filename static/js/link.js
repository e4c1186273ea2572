// The secret of an access link comes after the "#", which no browser sends. From there it goes into the
// form, and out of the address, so that no history keeps it. On the way to that form, on pages where one
// signs in or ends other work first, it goes along with theirs: a browser keeps what is after the "#"
// when it is led on.

function takeAlong() {
  if (location.hash.length < 2) return;
  const field = document.querySelector("form[data-link] [name=code]");
  if (field) {
    field.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
    return;
  }
  const waits = document.querySelector("[data-link-waits]");
  if (waits) waits.hidden = false;
  for (const form of document.querySelectorAll("main form[method=post]")) {
    const address = new URL(form.action);
    address.hash = location.hash;
    form.action = address;
  }
}

takeAlong();
addEventListener("hashchange", takeAlong); // opened where this page is open already
