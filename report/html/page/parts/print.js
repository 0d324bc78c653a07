  /* ---- print: every figure, in light colours, as wide as the paper ---- */
  const printed = () => {
    const theme = root.dataset.theme;
    const closed = [...document.querySelectorAll("main details:not([open])")].filter((one) => !one.closest(".panel"));
    const sizes = new Map();
    return {
      before: () => {
        paint(false);
        closed.forEach((one) => { one.open = true; });
        for (const id of drawers.keys()) {
          drawers.get(id)();
          const box = $(id);
          sizes.set(box, box.style.width);
          box.style.width = box.closest(".pair") ? "330px" : "680px";
          Plotly.Plots.resize(box);
        }
      },
      after: () => {
        for (const [box, width] of sizes) { box.style.width = width; Plotly.Plots.resize(box); }
        closed.forEach((one) => { one.open = false; });
        paint(theme === "dark");
        repaint();
      },
    };
  };
  let printing = null;
  window.addEventListener("beforeprint", () => { printing = printed(); printing.before(); });
  window.addEventListener("afterprint", () => { if (printing) printing.after(); printing = null; });
