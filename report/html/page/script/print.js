  /* ---- print: every figure, in light colours, as wide as the paper ---- */
  const PAPER = { whole: 680, half: 330 };
  const fitted = (id, width) => {
    if (!$(id).data) return; // Not drawn: Plotly is not unpacked yet, or a model has no map.
    const size = width ? { width, autosize: false } : { width: null, autosize: true };
    const square = $(id).classList.contains("square") ? { height: width } : {};
    Plotly.relayout($(id), { ...size, ...square });
  };
  let before = null;
  window.addEventListener("beforeprint", () => {
    const closed = [...document.querySelectorAll("main details:not([open])")].filter((one) => !one.closest(".panel"));
    before = { theme: root.dataset.theme, closed };
    paint(false);
    closed.forEach((one) => { one.open = true; });
    for (const [id, drawer] of window.Plotly ? drawers : []) {
      stale.delete(id);
      drawer();
      fitted(id, $(id).closest(".pair") ? PAPER.half : PAPER.whole);
    }
  });
  window.addEventListener("afterprint", () => {
    if (!before) return;
    before.closed.forEach((one) => { one.open = false; });
    paint(before.theme === "dark");
    for (const id of drawers.keys()) fitted(id, null);
    repaint();
    before = null;
  });
