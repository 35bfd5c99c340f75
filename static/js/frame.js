// The frame's small manners: navigation on a phone, dialogs, menus, the exchange's clock.
(() => {
  const nav = document.getElementById("nav");
  const menuButton = document.querySelector("[data-nav-toggle]");

  function toggleNav(open) {
    nav.toggleAttribute("data-open", open);
    menuButton.setAttribute("aria-expanded", String(nav.hasAttribute("data-open")));
  }

  menuButton?.addEventListener("click", () => toggleNav());

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog) {
      event.preventDefault();
      dialog.showModal();
    }
    if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
    if (event.target.matches("dialog[open]")) event.target.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    if (nav?.hasAttribute("data-open")) toggleNav(false);
  });

  // A form that was sent once is not sent twice by a nervous finger.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    for (const button of event.target.querySelectorAll("button:not([type=button])")) {
      setTimeout(() => { button.disabled = true; });
      setTimeout(() => { button.disabled = false; }, 4000);
    }
  });

  for (const control of document.querySelectorAll("[data-submit-on-change]")) {
    control.addEventListener("change", () => control.form.requestSubmit());
  }

  // Server time, not the visitor's: the offset is taken once from the page.
  const clock = document.querySelector("[data-clock]");
  if (clock) {
    const offset = Date.parse(clock.dateTime) - Date.now();
    const et = new Intl.DateTimeFormat("en-GB", { timeZone: "America/New_York", timeStyle: "medium" });
    const day = new Intl.DateTimeFormat("en-GB", { timeZone: "America/New_York", weekday: "short" });
    setInterval(() => {
      const now = new Date(Date.now() + offset);
      clock.textContent = `${day.format(now)} ${et.format(now)} ET`;
      clock.dateTime = now.toISOString();
      clock.title = `${now.toISOString().slice(0, 19).replace("T", " ")} UTC`;
    }, 1000);
  }
})();
