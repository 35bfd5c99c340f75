// Keep the colour scheme the person chose in a cookie, so that the server renders the right one
// at once and nothing flashes.
(() => {
  const root = document.documentElement;
  const buttons = () => document.querySelectorAll("[data-theme-choice]");

  function show() {
    for (const button of buttons()) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (root.dataset.theme || "system")));
    }
  }

  function choose(theme) {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    const age = theme === "system" ? 0 : 31536000;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
    show();
  }

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (button) choose(button.dataset.themeChoice);
  });
})();
