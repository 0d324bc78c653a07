  /* ---- ROC and precision-recall ---- */
  // Scores that rank all images alike have one curve.
  const curvesOf = () => {
    const found = new Map();
    for (const one of chosen()) {
      const same = one.row.same[one.ood];
      if (!found.has(same)) found.set(same, []);
      found.get(same).push(one);
    }
    return [...found.values()].map((those) => {
      if (new Set(those.map((one) => one.ood)).size > 1) return { ...those[0], name: those.map((one) => one.name).join(" = ") };
      const suffix = those[0].name.slice(those[0].row.name.length);
      return { ...those[0], name: equal(those.map((one) => one.row.name)) + suffix };
    });
  };
  const equal = (names) => {
    const parts = names.map((name) => name.split(" · "));
    const rest = parts.map((one) => one.slice(1).join(" · "));
    if (new Set(rest).size > 1) return names.join(" = ");
    return [parts.map((one) => one[0]).join(" = "), ...(rest[0] ? [rest[0]] : [])].join(" · ");
  };
  const lineOf = (one, place) => ({
    type: "scatter", mode: "lines", name: plain(cut(one.name, narrow() ? 34 : 70)),
    line: { color: COLOURS[place % MOST], dash: DASHES[place % MOST], width: 2 }, hoverinfo: "x+y",
  });
  const SVG = "http://www.w3.org/2000/svg";
  const STROKES = { solid: "", dash: "7 4", dot: "2 3", dashdot: "7 3 2 3", longdash: "11 4", longdashdot: "11 3 2 3" };
  const swatch = (place) => {
    const made = document.createElementNS(SVG, "svg");
    const line = document.createElementNS(SVG, "line");
    for (const [name, value] of Object.entries({ width: 34, height: 12, "aria-hidden": "true" })) made.setAttribute(name, value);
    for (const [name, value] of Object.entries({ x1: 0, x2: 34, y1: 6, y2: 6, stroke: COLOURS[place % MOST], "stroke-width": 2.5, "stroke-dasharray": STROKES[DASHES[place % MOST]] })) line.setAttribute(name, value);
    made.append(line);
    return made;
  };
  const legend = () => {
    const found = curvesOf();
    $("legend").replaceChildren(...found.map((one, place) => {
      const line = element("li");
      line.append(swatch(place), element("span", one.name));
      return line;
    }));
    const shaded = found.filter((one) => own(one.row.bands, one.ood)).length;
    $("band-note").textContent = !shaded ? ""
      : `Shaded: 95 % bootstrap band of the TPR at each FPR${shaded < found.length ? ", of scores that have one" : ""}.`;
  };
  // Margins of one sum in both directions leave a square of a square.
  const SQUARE = { l: 64, r: 26, t: 34, b: 56 };
  const unit = (title) => ({ title: { text: title }, range: [-0.01, 1.01], tickvals: FIFTHS, ticktext: FIFTHS.map((share) => `${Math.round(100 * share)} %`), hoverformat: ".2%", automargin: false, ticklabeloverflow: "allow" });
  const thin = (x, y) => ({ type: "scatter", mode: "lines", x, y, line: { color: colour("--soft"), width: 1, dash: "dot" }, hoverinfo: "skip", showlegend: false });
  figure("roc", () => {
    const found = curvesOf();
    const isLog = $("log").checked;
    // A logarithmic axis has no 0: it begins a decade at or below one image.
    const most = Math.max(...found.map((one) => one.row.n_ood[one.ood]));
    const decades = Math.max(1, Math.ceil(Math.log10(most)));
    const low = 10 ** -decades;
    const shown = (x, y) => {
      if (!isLog) return [x, y];
      const first = x.findLastIndex((share) => share <= low);
      return [[low, ...x.slice(first + 1)], [y[first], ...y.slice(first + 1)]];
    };
    const traces = found.map((one, place) => {
      const { curve, n_id: inside, n_ood: outside } = one.row;
      // The first threshold, infinity, keeps infinite scores, so the curve needs (0, 0).
      const [x, y] = shown([0, ...curve.kept_ood[one.ood].map((kept) => kept / outside[one.ood])], [0, ...curve.kept_id.map((kept) => kept / inside)]);
      return { ...lineOf(one, place), x, y };
    });
    const bands = found.flatMap((one, place) => {
      const band = own(one.row.bands, one.ood);
      if (!band) return [];
      const [x, high] = shown(band.fpr, band.high);
      const [, down] = shown(band.fpr, band.low);
      return [{ type: "scatter", mode: "lines", x: [...x, ...x.toReversed()], y: [...high, ...down.toReversed()], fill: "toself", line: { width: 0 }, fillcolor: `${COLOURS[place % MOST]}33`, hoverinfo: "skip", name: `band ${place}` }];
    });
    const even = isLog ? Array.from({ length: 41 }, (_, at) => low ** (1 - at / 40)) : [0, 1];
    const powers = Array.from({ length: decades + 1 }, (_, at) => 10 ** (at - decades));
    const logarithmic = { ...unit("OOD kept (FPR), logarithmic"), type: "log", range: [Math.log10(low), 0.01], tickvals: powers, ticktext: powers.map((share) => `${Number((100 * share).toPrecision(2))} %`) };
    show("roc", [thin(even, even), ...bands, ...traces], { xaxis: isLog ? logarithmic : unit("OOD kept (FPR)"), yaxis: unit("ID kept (TPR)"), showlegend: false, margin: SQUARE });
  });
  figure("pr", () => {
    const found = curvesOf();
    const traces = found.map((one, place) => {
      const kept = one.row.curve.kept_id.map((inside, at) => [inside, one.row.curve.kept_ood[one.ood][at]]).filter(([a, b]) => a + b > 0);
      const precision = kept.map(([inside, outside]) => inside / (inside + outside));
      // Average precision is a step function: each precision extends back to the recall before it, the first to 0.
      return {
        ...lineOf(one, place), line: { ...lineOf(one, place).line, shape: "vh" },
        x: [0, ...kept.map(([inside]) => inside / one.row.n_id)], y: [precision[0], ...precision],
      };
    });
    const inside = row().n_id / (row().n_id + row().n_ood[$("ood").value]);
    show("pr", [thin([0, 1], [inside, inside]), ...traces], { xaxis: unit("recall of ID"), yaxis: unit("precision"), showlegend: false, margin: SQUARE });
  });
  if (rows.length) {
    follow(() => { legend(); tellPicked(); });
    followers.push(() => redraw(...curved, "reliability"));
    $("log").addEventListener("change", () => redraw("roc"));
  }
