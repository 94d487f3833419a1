// What pages do by themselves. Nothing here decides anything: without it every form still works.
"use strict";

(() => {
  // A one-time code in the part of an address that no server ever sees.
  const field = document.querySelector("[data-from-fragment]");
  if (field && location.hash.length > 1) {
    field.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname + location.search);
  }

  // The server cannot be reached: say so until it can again.
  const away = document.getElementById("away");
  const show = (isAway) => { if (away) away.hidden = !isAway; };
  document.addEventListener("htmx:sendError", () => show(true));
  document.addEventListener("htmx:timeout", () => show(true));
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.xhr && event.detail.xhr.status) show(false);
  });

  // A part that cannot be made now leaves what is there, and says why above it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status >= 500 && event.detail.target.id === "now") {
      event.detail.shouldSwap = false;
      show(true);
    }
  });

  // Nothing is sent twice by an impatient hand; what comes twice all the same is done once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) event.preventDefault();
    // A file comes back beside the page, which stays as it is.
    if (form.method === "post" && !("again" in form.dataset)) form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // Keys: / to find, g and a letter to go.
  const places = { h: "/", m: "/messages", p: "/problems", j: "/jobs", a: "/audit" };
  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    if (event.key === "/") {
      const find = document.querySelector('[data-key="/"]');
      if (find) { event.preventDefault(); find.focus(); }
    } else if (before === "g" && places[event.key]) {
      location.assign(places[event.key]);
    }
    before = event.key;
  });
})();
