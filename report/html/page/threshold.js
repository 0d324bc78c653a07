  /* ---- the threshold explorer ---- */
  const startSlider = () => {
    $("slider").max = String(row().curve.ranked.length - 1);
    $("slider").value = String(row().threshold);
  };
  const confusion = () => {
    const one = row();
    const place = Number($("slider").value);
    // Thresholds fall: an infinity with no number after it is negative.
    const at = (values, digits) => number(values[place], place > 0 && values.slice(place).every((value) => value === null) ? "−∞" : "∞", digits);
    $("at").textContent = at(one.curve[$("form").value], 3);
    const sets = [[`ID: ${one.id}`, one.curve.kept_id[place], one.n_id, "TPR"],
      ...Object.keys(one.n_ood).map((ood) => [`OOD: ${ood}`, one.curve.kept_ood[ood][place], one.n_ood[ood], "FPR"])];
    $("confusion").tBodies[0].replaceChildren(...sets.map(([name, kept, total, rate], at) => {
      const line = element("tr");
      const bar = element("span", undefined, "bar");
      bar.style.width = `${Math.round(160 * kept / total)}px`;
      bar.style.background = COLOURS[at ? 1 : 0];
      const last = element("td");
      last.append(bar);
      line.append(element("td", name), element("td", rate, "soft"), element("td", whole(kept), "number"),
        element("td", whole(total - kept), "number"), element("td", `${percent(kept / total)} %`, "number"), last);
      return line;
    }));
  };
  if (rows.length) {
    startSlider();
    $("slider").addEventListener("input", () => { confusion(); move(); });
  }
  follow(confusion);
