  /* ---- the heat map ---- */
  figure("heat-figure", () => {
    const measure = $("measure").value;
    const shares = data.heat.map((row) => data.ood.map((ood) => (own(row.cells, ood) ? 100 * row.cells[ood][measure] : null)));
    const high = 64 + (narrow() ? 36 : 26) * data.heat.length + 90;
    // On a phone the score is above the rest of the row's name.
    const title = ({ name, score }) => (narrow()
      ? `${plain(cut(score, 24))}<br><span style="font-size:9px">${plain(cut(name.slice(score.length + 3), 30))}</span>`
      : plain(cut(name, 60)));
    $("heat-figure").style.height = `${high}px`;
    show("heat-figure", [{
      type: "heatmap", z: shares, colorscale: "Cividis", reversescale: data.measures[measure],
      // Positions, not names, are the axes' values: two names may be shortened to the same text.
      x: data.ood.map((_, place) => place), y: data.heat.map((_, place) => place),
      text: shares.map((row) => row.map((share) => (share === null ? "" : share.toFixed(narrow() ? 1 : 2)))),
      texttemplate: "%{text}", hoverinfo: "text",
      hovertext: shares.map((row, at) => row.map((share, place) => share === null ? ""
        : `${plain(cut(data.heat[at].name, 90))}<br>${plain(cut(data.ood[place], 60))}: ${share.toFixed(2)} %`)),
      xgap: 1, ygap: 1, showscale: !narrow(), colorbar: { thickness: 12, ticksuffix: " %", outlinewidth: 0 },
    }], {
      height: high,
      xaxis: { side: "top", tickvals: data.ood.map((_, place) => place), ticktext: data.ood.map((ood) => plain(cut(ood, 22))), showgrid: false, tickangle: narrow() ? -60 : "auto" },
      yaxis: { autorange: "reversed", tickvals: data.heat.map((_, place) => place), ticktext: data.heat.map(title), showgrid: false },
      margin: { l: 8, r: 8, t: 34, b: 8 },
    });
  });
  $("measure").addEventListener("change", () => redraw("heat-figure"));

