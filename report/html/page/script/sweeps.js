  /* ---- sweeps ---- */
  if (data.sweeps.length) {
    options($("parameter"), data.sweeps.map((one) => one.parameter), data.sweeps.map((_, place) => String(place)));
    const sweep = () => data.sweeps[Number($("parameter").value)];
    const sets = () => {
      const before = $("sweep-ood").value;
      const names = [...new Set(sweep().lines.map((line) => line.ood))];
      options($("sweep-ood"), names);
      $("sweep-ood").value = names.includes(before) ? before : names.includes("average") ? "average" : names[0];
    };
    const along = (id, measure) => figure(id, () => {
      const those = sweep().lines.filter((line) => line.ood === $("sweep-ood").value);
      const values = those.flatMap((line) => line.values);
      const numeric = values.every((value) => typeof value === "number");
      const written = (value) => plain(typeof value === "number" ? number(value) : cut(value, 30));
      // Words first, then numbers. Two may be shortened to the same text: positions are the axis' values.
      const rank = (value) => (typeof value === "number" ? value : -Infinity);
      const steps = [...new Set(values)].sort((one, two) => (rank(one) === rank(two) ? 0 : rank(one) - rank(two)));
      const shots = sweep().parameter === "shots";
      const logarithmic = shots || numeric && Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > 15;
      const apart = ["model", "template"].filter((name) => new Set(those.map((line) => line[name])).size > 1);
      show(id, those.map((line, place) => ({
        type: "scatter", mode: "lines+markers",
        name: plain(cut([line.score, ...apart.map((name) => line[name])].filter(Boolean).join(" · "), narrow() ? 34 : 70)),
        x: numeric ? line.values : line.values.map((value) => steps.indexOf(value)),
        y: line.measured[measure].map((share) => 100 * share),
        line: { color: COLOURS[place % MOST], dash: DASHES[place % MOST] },
        marker: { size: line.words.map((word) => (word && numeric ? 13 : 7)), symbol: line.words.map((word) => (word && numeric ? "star" : MARKERS[place % MOST])) },
        text: line.words.map((word, at) => plain(word === null ? number(line.values[at]) : cut(word, 90))),
        error_y: line.ranges[measure].every(Boolean) ? {
          type: "data", symmetric: false, thickness: 1, width: 3,
          array: line.ranges[measure].map((ends, at) => 100 * (ends[1] - line.measured[measure][at])), arrayminus: line.ranges[measure].map((ends, at) => 100 * (line.measured[measure][at] - ends[0])),
        } : measure === "auroc" && line.auroc_ci.every(Boolean) ? {
          type: "data", symmetric: false, thickness: 1, width: 3,
          array: line.auroc_ci.map((ci, at) => 100 * (ci[1] - line.measured.auroc[at])), arrayminus: line.auroc_ci.map((ci, at) => 100 * (line.measured.auroc[at] - ci[0])),
        } : undefined,
        hovertemplate: "%{text}: %{y:.2f} %<extra></extra>",
      })), {
        xaxis: { title: { text: plain(sweep().parameter) }, type: logarithmic ? "log" : "linear",
          ...(shots ? { tickvals: steps, ticktext: steps.map(written) } : numeric ? {} : { tickvals: steps.map((_, place) => place), ticktext: steps.map(written), range: [-0.5, steps.length - 0.5] }) },
        yaxis: { ticksuffix: " %" }, showlegend: those.length > 1,
      });
    });
    sets();
    const panels = Object.keys(data.measures).map((measure) => `sweep-${measure}`);
    panels.forEach((id) => along(id, id.slice("sweep-".length)));
    $("parameter").addEventListener("change", () => { sets(); redraw(...panels); });
    $("sweep-ood").addEventListener("change", () => redraw(...panels));
  }

