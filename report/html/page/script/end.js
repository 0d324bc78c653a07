  /* ---- the end: a browser that cannot unpack the data still has the tables ---- */
  root.dataset.ready = "";
})().catch((error) => {
  const told = typeof DecompressionStream === "undefined"
    ? "This browser cannot draw the figures: open the page in one from 2023 or later."
    : `The figures cannot be drawn: ${error.message}`;
  document.querySelectorAll(".figure").forEach((one) => { one.textContent = told; });
  throw error;
});
