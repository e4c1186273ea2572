// The secret of an access link comes after the "#", which no browser sends. From there it goes into the
// form, and out of the address, so that no history keeps it. On the way to that form, on pages where one
// signs in or ends other work first, it goes along with theirs: a browser keeps what is after the "#"
// when it is led on.

const field = document.querySelector("form[data-link] [name=code]");
if (field && location.hash.length > 1) {
  field.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
} else if (location.hash.length > 1) {
  const waits = document.querySelector("[data-link-waits]");
  if (waits) waits.hidden = false;
  for (const form of document.querySelectorAll("main form[method=post]")) form.action += location.hash;
}
