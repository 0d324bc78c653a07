  /* ---- the heat map ---- */
  figure("heat-figure", () => {
    const measure = $("measure").value;
    const shares = data.heat.map((row) => data.ood.map((ood) => (own(row.cells, ood) ? 100 * row.cells[ood][measure] : null)));
    const high = 64 + (narrow() ? 36 : 26) * data.heat.length + 90;
    // On a phone the score is above the rest of the row's name.
    const title = ({ name, score }) => (narrow()
      ? `${plain(cut(score, 24))}<br><span style="font-size:9px">${plain(cut(name.slice(score.length + 3), 30))}</span>`
      : plain(cut(name, 60)));
    const known = shares.flat().filter((share) => share !== null);
    const [least, most] = [Math.min(...known), Math.max(...known)];
    // Cividis is equally far from black and white 47 % along it: brighter cells have black digits.
    const isBright = (share) => {
      const along = most > least ? (share - least) / (most - least) : 0.5;
      return (data.measures[measure] ? 1 - along : along) > 0.47;
    };
    // One trace has the cells of black digits, the other those of white ones.
    const digits = (ink, isShown, isFirst) => ({
      type: "heatmap", z: shares.map((row) => row.map((share) => (share !== null && isShown(share) ? share : null))),
      zmin: most > least ? least : least - 0.5, zmax: most > least ? most : most + 0.5, colorscale: "Cividis", reversescale: data.measures[measure],
      // Positions, not names, are the axes' values: two names may be shortened to the same text.
      x: data.ood.map((_, place) => place), y: data.heat.map((_, place) => place), hoverongaps: false,
      text: shares.map((row) => row.map((share) => (share === null || !isShown(share) ? "" : share.toFixed(narrow() ? 1 : 2)))), textfont: { color: ink },
      texttemplate: "%{text}", hoverinfo: "text",
      hovertext: shares.map((row, at) => row.map((share, place) => share === null ? ""
        : `${plain(cut(data.heat[at].name, 90))}<br>${plain(cut(data.ood[place], 60))}: ${share.toFixed(2)} %`)),
      xgap: 1, ygap: 1, showscale: isFirst && !narrow(), colorbar: { thickness: 12, ticksuffix: " %", outlinewidth: 0 },
    });
    $("heat-figure").style.height = `${high}px`;
    show("heat-figure", [digits("#000", isBright, true), digits("#fff", (share) => !isBright(share), false)], {
      height: high,
      xaxis: { side: "top", tickvals: data.ood.map((_, place) => place), ticktext: data.ood.map((ood) => plain(cut(ood, 22))), showgrid: false, tickangle: narrow() ? -60 : "auto" },
      yaxis: { autorange: "reversed", tickvals: data.heat.map((_, place) => place), ticktext: data.heat.map(title), showgrid: false },
      margin: { l: 8, r: 8, t: 34, b: 8 },
    });
  });
  $("measure").addEventListener("change", () => redraw("heat-figure"));

