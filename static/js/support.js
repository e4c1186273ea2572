// The secret of an access link comes after the "#", which no browser sends. From there it goes into the
// form, and out of the address, so that no history keeps it.

const field = document.querySelector("form[data-link] [name=code]");
if (field && location.hash.length > 1) {
  field.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}
