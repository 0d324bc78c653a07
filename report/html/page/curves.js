  /* ---- ROC, precision-recall, histograms, reliability ---- */
  const lineOf = (one, place) => ({
    type: "scatter", mode: "lines", name: plain(cut(one.name, narrow() ? 34 : 70)),
    line: { color: COLOURS[place % MOST], dash: DASHES[place % MOST], width: 2 }, hoverinfo: "x+y",
  });
  const unit = (title) => ({ title: { text: title }, range: [-0.01, 1.01], tickvals: FIFTHS, ticktext: FIFTHS.map((share) => `${Math.round(100 * share)} %`), hoverformat: ".2%" });
  figure("roc", () => {
    const ood = $("ood").value;
    const traces = chosen().map((one, place) => ({
      ...lineOf(one, place),
      // The first threshold, infinity, keeps infinite scores, so the curve needs (0, 0).
      x: [0, ...one.curve.kept_ood[ood].map((kept) => kept / one.n_ood[ood])], y: [0, ...one.curve.kept_id.map((kept) => kept / one.n_id)],
    }));
    const chance = { type: "scatter", mode: "lines", x: [0, 1], y: [0, 1], line: { color: colour("--soft"), width: 1, dash: "dot" }, hoverinfo: "skip", showlegend: false };
    show("roc", [chance, ...traces], { xaxis: unit("OOD kept (FPR)"), yaxis: unit("ID kept (TPR)"), showlegend: traces.length > 1 });
  });
  figure("pr", () => {
    const ood = $("ood").value;
    const traces = chosen().map((one, place) => {
      const kept = one.curve.kept_id.map((inside, at) => [inside, one.curve.kept_ood[ood][at]]).filter(([a, b]) => a + b > 0);
      const precision = kept.map(([inside, outside]) => inside / (inside + outside));
      // Average precision is a step function: each precision extends back to the recall before it, the first to 0.
      return {
        ...lineOf(one, place), line: { ...lineOf(one, place).line, shape: "vh" },
        x: [0, ...kept.map(([inside]) => inside / one.n_id)], y: [precision[0], ...precision],
      };
    });
    const inside = row().n_id / (row().n_id + row().n_ood[ood]);
    const chance = { type: "scatter", mode: "lines", x: [0, 1], y: [inside, inside], line: { color: colour("--soft"), width: 1, dash: "dot" }, hoverinfo: "skip", showlegend: false };
    show("pr", [chance, ...traces], { xaxis: unit("recall of ID"), yaxis: unit("precision"), showlegend: traces.length > 1 });
  });

  const at = () => row().curve[$("form").value][Number($("slider").value)];
  const lineAt = () => {
    const place = at();
    if (place === null) return [];
    return [{ type: "line", x0: place, x1: place, yref: "paper", y0: 0, y1: 1, line: { color: colour("--ink"), width: 1.5, dash: "dash" } }];
  };
  figure("histogram", () => {
    const ood = $("ood").value;
    const found = row()[$("form").value];
    const middle = found.edges.slice(1).map((edge, place) => (edge + found.edges[place]) / 2);
    const width = found.edges[1] - found.edges[0];
    const bars = (name, counts, total, place) => ({
      type: "bar", name: plain(cut(name, 40)), x: middle, y: counts.map((count) => count / total), width,
      marker: { color: COLOURS[place], opacity: 0.6 }, hovertemplate: "%{y:.2%} at %{x:.4g}<extra></extra>",
    });
    show("histogram", [bars(`ID: ${row().id}`, found.id, row().n_id, 0), bars(`OOD: ${ood}`, found.ood[ood], row().n_ood[ood], 1)], {
      barmode: "overlay", bargap: 0, shapes: lineAt(),
      xaxis: { title: { text: "score (dashed: threshold)" } }, yaxis: { title: { text: "share of the set" }, tickformat: ".0%" },
    });
  });
  const move = () => {
    if ($("histogram").data) Plotly.relayout($("histogram"), { shapes: lineAt() });
  };
  figure("reliability", () => {
    const found = row().reliability && own(row().reliability, $("ood").value);
    const traces = [{ type: "scatter", mode: "lines", x: [0, 1], y: [0, 1], line: { color: colour("--soft"), width: 1, dash: "dot" }, hoverinfo: "skip", showlegend: false }];
    const note = { text: "This score is not a probability.", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 };
    if (found) {
      const largest = Math.max(...found.count);
      traces.push({
        type: "scatter", mode: "lines+markers", x: found.mean, y: found.share, showlegend: false, line: { color: COLOURS[0], width: 1.5 },
        marker: { color: COLOURS[0], size: found.count.map((count) => 6 + 18 * Math.sqrt(count / largest)), opacity: 0.85 },
        text: found.count.map((count) => `${whole(count)} images`), hovertemplate: "mean p %{x:.3f}, share of ID %{y:.3f}<br>%{text}<extra></extra>",
      });
    }
    show("reliability", traces, {
      xaxis: { title: { text: "p, the probability of being ID" }, range: [-0.02, 1.02] }, yaxis: { title: { text: "share of ID" }, range: [-0.04, 1.04] },
      shapes: found ? [{ type: "line", x0: 0.5, x1: 0.5, yref: "paper", y0: 0, y1: 1, line: { color: colour("--soft"), width: 1, dash: "dash" } }] : [],
      annotations: found ? [] : [note],
    });
  });
  if (rows.length) {
    followers.push(() => {
      redraw("roc", "pr", "histogram", "reliability");
    });
    $("form").addEventListener("change", () => { confusion(); redraw("histogram"); });
  }
