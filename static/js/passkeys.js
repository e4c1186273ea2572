/* Passkeys: hands our buttons to django-allauth's forms, and says so where the browser has none. */
(() => {
  "use strict";

  const forms = window.allauth.webauthn.forms;

  for (const button of document.querySelectorAll("[data-passkey]")) {
    const { passkey, credential, passwordless } = button.dataset;
    const ids = { add: button.id, authenticate: button.id, login: button.id };
    forms[passkey]({ ids: { ...ids, credential, passwordless, data: "passkey-options" } });
  }

  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const said = document.getElementById("passkey-refused");
    said.hidden = false;
    said.focus();
  });
})();
