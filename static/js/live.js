// Live pages. The server only says "these topics changed"; every element with data-live-on asks
// again for its own fragment. Where the stream is refused, the page asks every three seconds, and
// the indicator in the header always says which of the two is happening.
(() => {
  const POLL_MS = 3000;
  const RETRY_MS = 5000;
  const QUIET_MS = 40000; // the server speaks at least every 15 s
  const indicator = document.querySelector("[data-live-state]");
  const words = { live: "Live", polling: "Reconnecting, checking every 3 s", offline: "No answer since" };
  let source = null;
  let poll = null;
  let heard = 0;
  let state = "";

  const listeners = () => [...document.querySelectorAll("[data-live-on]")];
  const topicsOf = (element) => element.dataset.liveOn.split(" ").filter(Boolean);
  const topics = () => [...new Set(listeners().flatMap(topicsOf))].sort();

  function show(next) {
    if (!indicator || next === state) return;
    state = next;
    const since = new Date().toLocaleTimeString("en-GB", { timeZone: "America/New_York" });
    indicator.dataset.state = next;
    indicator.textContent = next === "offline" ? `${words.offline} ${since} ET` : words[next];
  }

  function refresh(changed) {
    for (const element of listeners()) {
      if (!changed || topicsOf(element).some((topic) => changed.includes(topic))) {
        htmx.trigger(element, "refresh");
      }
    }
  }

  // The next answer, not the next try, ends "no answer since".
  function startPolling() {
    if (state !== "offline") show("polling");
    poll ??= setInterval(() => refresh(null), POLL_MS);
  }

  function connected() {
    clearInterval(poll);
    poll = null;
    show("live");
  }

  function close() {
    source?.close();
    source = null;
  }

  function connect() {
    close();
    if (document.hidden || !topics().length) return;
    heard = Date.now();
    source = new EventSource(`/live?topics=${encodeURIComponent(topics().join(","))}`);
    source.addEventListener("changed", (event) => {
      heard = Date.now();
      connected();
      refresh(event.data === "connected" ? null : event.data.split(","));
    });
    source.addEventListener("here", () => { heard = Date.now(); });
    source.addEventListener("error", () => {
      close();
      startPolling();
      setTimeout(() => { if (!source) connect(); }, RETRY_MS);
    });
  }

  // A stream that a proxy swallowed looks open for ever.
  setInterval(() => {
    if (source && Date.now() - heard > QUIET_MS) {
      startPolling();
      connect();
    }
  }, RETRY_MS);

  // Browsers allow few streams per host: a page nobody looks at gives its own back.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return connect();
    close();
    clearInterval(poll);
    poll = null;
  });

  const ours = (event) => event.detail.elt?.matches?.("[data-live-on]");
  function unanswered(event) {
    if (!ours(event)) return;
    show("offline");
    startPolling();
  }
  document.addEventListener("htmx:sendError", unanswered);
  document.addEventListener("htmx:responseError", unanswered);
  document.addEventListener("htmx:afterRequest", (event) => {
    if (ours(event) && event.detail.successful && state === "offline") show(poll ? "polling" : "live");
  });

  // A refused action of a button answers with a page of its own: show that page.
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.requestConfig.verb === "post") location.assign(event.detail.pathInfo.requestPath);
  });

  // A session that ended redirects to the login page: go there, don't paste it into a card.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (new URL(event.detail.xhr.responseURL || location.href).pathname.startsWith("/login")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });

  // An answer to what was asked before this page changed something would bring back the time before.
  let changes = 0;
  const asked = new WeakMap();
  document.addEventListener("htmx:beforeRequest", (event) => asked.set(event.detail.xhr, changes));
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.requestConfig.verb === "post") changes += 1;
    else if (ours(event) && asked.get(event.detail.xhr) !== changes) {
      event.detail.shouldSwap = false;
      htmx.trigger(event.detail.elt, "refresh");
    }
  });

  // What a person opened or is typing survives the next update.
  document.addEventListener("input", (event) => event.target.form?.setAttribute("data-dirty", ""));
  if (window.Idiomorph) {
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
      !(name === "open" && ["DETAILS", "DIALOG"].includes(node.tagName));
    Idiomorph.defaults.callbacks.beforeNodeMorphed = (node) => !node.matches?.("form[data-dirty], [data-keep]");
  }

  // Whoever presses a button down a list goes on with the next one, by keyboard too.
  const walk = () => [...document.querySelectorAll("[data-walk] button")];
  let place = -1;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.matches?.("[data-walk]")) place = walk().indexOf(event.detail.elt.querySelector("button"));
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (place < 0 || event.detail.requestConfig?.verb !== "post") return;
    const next = walk()[place] ?? walk().at(-1) ?? document.getElementById("main");
    place = -1;
    next.focus({ preventScroll: next.id === "main" });
  });

  // A log that stands at its end stays there.
  const atEnd = new WeakMap();
  document.addEventListener("htmx:beforeSwap", (event) => {
    for (const log of event.detail.target.querySelectorAll("[data-follow]")) {
      atEnd.set(log, log.scrollHeight - log.scrollTop - log.clientHeight < 24);
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    for (const log of event.target.querySelectorAll?.("[data-follow]") ?? []) {
      if (atEnd.get(log) ?? true) log.scrollTop = log.scrollHeight;
    }
  });
  for (const log of document.querySelectorAll("[data-follow]")) log.scrollTop = log.scrollHeight;

  connect();
})();
