  /* ---- histograms of scores with their thresholds, and reliability ---- */
  const high = (count) => (count === 1 ? 22 : 4 + 12 * count);
  // Other scores have another scale: their threshold keeps the same share of ID, or the next larger.
  const placeIn = (one) => {
    const place = Number($("slider").value);
    if (one === row()) return place;
    const share = row().curve.kept_id[place] / row().n_id;
    return one.curve.kept_id.findIndex((kept) => kept / one.n_id >= share - 1e-12);
  };
  const axis = (letter, place) => (place ? `${letter}${place + 1}` : letter);
  const thresholdLines = () => chosen().flatMap((one, place) => {
    const value = one.row.curve[$("form").value][placeIn(one.row)];
    if (value === null || value === undefined) return [];
    return [{ type: "line", xref: axis("x", place), yref: `${axis("y", place)} domain`, x0: value, x1: value, y0: 0, y1: 1, line: { color: colour("--ink"), width: 1.5, dash: "dash" } }];
  });
  figure("histogram", () => {
    const found = chosen();
    const isOne = found.length === 1;
    const gap = isOne ? 0 : 0.32 / found.length;
    const each = (1 - gap * (found.length - 1)) / found.length;
    const traces = [];
    const changes = { barmode: "overlay", bargap: 0, shapes: thresholdLines(), annotations: [], showlegend: true };
    found.forEach((one, place) => {
      const { edges, id, ood } = one.row[$("form").value];
      const middle = edges.slice(1).map((edge, at) => (edge + edges[at]) / 2);
      const sides = [[`ID: ${one.row.id}`, id, one.row.n_id], [`OOD: ${one.ood}`, ood[one.ood], one.row.n_ood[one.ood]]];
      sides.forEach(([name, counts, total], side) => traces.push({
        type: "bar", name: plain(cut(name, 40)), legendgroup: name, showlegend: !traces.some((other) => other.legendgroup === name),
        x: middle, y: counts.map((count) => count / total), width: edges[1] - edges[0], xaxis: axis("x", place), yaxis: axis("y", place),
        marker: { color: COLOURS[side], opacity: 0.6 }, hovertemplate: "%{y:.2%} at %{x:.4g}<extra></extra>",
      }));
      const top = 1 - place * (each + gap);
      const grid = { gridcolor: colour("--rule"), zerolinecolor: colour("--rule"), automargin: true };
      changes[`xaxis${place ? place + 1 : ""}`] = { ...grid, anchor: axis("y", place), title: place === found.length - 1 ? { text: `score, ${$("form").value === "ranked" ? "ranking scale" : "as published"} (dashed: threshold)` } : {} };
      changes[`yaxis${place ? place + 1 : ""}`] = { ...grid, anchor: axis("x", place), domain: [Math.max(0, top - each), top], title: isOne ? { text: "share of the set" } : {}, tickformat: ".0%" };
      if (!isOne) changes.annotations.push({ text: plain(cut(one.name, narrow() ? 40 : 80)), showarrow: false, xref: "paper", yref: "paper", x: 0, y: top, xanchor: "left", yanchor: "bottom", font: { size: 12 } });
    });
    changes.height = 16 * high(found.length);
    $("histogram").style.height = `${high(found.length)}rem`;
    if (!isOne) changes.margin = { l: 56, r: 24, t: 30, b: 48 };
    show("histogram", traces, changes);
  });
  const move = () => {
    if ($("histogram").data) Plotly.relayout($("histogram"), { shapes: thresholdLines() });
  };
  figure("reliability", () => {
    const found = row().reliability && own(row().reliability, $("ood").value);
    const traces = [thin([0, 1], [0, 1])];
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
  follow(() => {
    const found = own(row().calibration, $("ood").value);
    $("calibration").textContent = found
      ? `At p = 0.5: ${percent(found.kept_id)} % of ID and ${percent(found.kept_ood)} % of OOD are kept. Brier ${found.brier.toFixed(4)}, ECE ${found.ece.toFixed(4)} at a prevalence of ${percent(found.prevalence)} % ID.`
      : "";
  });
