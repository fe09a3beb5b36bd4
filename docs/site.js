/* A button above each recipe that copies its code, also where the folder is opened without a server. */
document.addEventListener("DOMContentLoaded", () => {
  if (!/\/recipes(\.html)?$/.test(location.pathname)) return;
  for (const block of document.querySelectorAll("article div.highlight-python")) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "copy", textContent: "Copy" });
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      const code = block.querySelector("pre");
      let done = true;
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        getSelection().selectAllChildren(code);
        done = document.execCommand("copy");
      }
      button.textContent = done ? "Copied" : "Press Ctrl+C";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    block.before(button);
  }
});
