  /* ---- the map of the embeddings ---- */
  const chart = () => data.maps.find((one) => rows.length && one.model === row().key[0]);
  const pointName = (one, at) => `${at < one.id_sets ? "ID" : "OOD"}: ${one.sets[at]}`;
  let seen = -1;
  const tellPoint = (point) => {
    const one = chart();
    seen = point;
    const small = one.thumbnails[point];
    const name = pointName(one, one.set_of[point]);
    const score = row().on_map[point];
    const words = element("div");
    words.append(element("p", name), element("p", score === null || score === undefined ? "score not known" : `score about ${number(score, "", 2)} (ranking scale)`), element("p", data.paths[one.paths][point], "soft path"));
    if (small === null || small === undefined) {
      $("map-point").replaceChildren(words);
    } else {
      const image = element("img");
      image.src = source(small);
      image.alt = name;
      $("map-point").replaceChildren(image, words);
    }
    if ($("map-figure").data) Plotly.restyle($("map-figure"), { x: [[one.x[point]]], y: [[one.y[point]]] }, [$("map-figure").data.length - 1]);
  };
  // By keyboard: from one image that has a thumbnail to the next, set by set.
  const step = (by) => {
    const { thumbnails } = chart();
    const shown = thumbnails.map((one, at) => (one === null ? -1 : at)).filter((at) => at >= 0);
    if (!shown.length) return;
    const after = by > 0 ? shown.find((at) => at > seen) : shown.findLast((at) => at < seen);
    tellPoint(after ?? (by > 0 ? shown[0] : shown[shown.length - 1]));
  };
  figure("map-figure", () => {
    const one = chart();
    if (!one) { Plotly.purge($("map-figure")); return; }
    const isScore = $("map-colour").value === "score";
    const scores = row().on_map;
    const known = scores.filter((score) => score !== null).toSorted((a, b) => a - b);
    // Outliers do not use up the colours.
    const ends = [known[Math.floor(0.01 * known.length)], known[Math.ceil(0.99 * known.length) - 1]];
    const of = (at) => one.set_of.flatMap((set, point) => (set === at ? [point] : []));
    const traces = one.sets.map((_, at) => {
      const points = of(at);
      const inside = at < one.id_sets;
      return {
        type: "scatter", mode: "markers", name: plain(cut(pointName(one, at), narrow() ? 26 : 40)), customdata: points,
        x: points.map((point) => one.x[point]), y: points.map((point) => one.y[point]), hoverinfo: "none",
        marker: {
          size: points.map((point) => (typeof one.thumbnails[point] === "number" ? 10 : 6)), opacity: 0.75, symbol: inside ? "circle" : MARKERS[1 + (at - one.id_sets) % (MOST - 1)],
          ...(isScore ? { color: points.map((point) => scores[point]), colorscale: "Cividis", cmin: ends[0], cmax: ends[1], showscale: at === 0, colorbar: { thickness: 12, outlinewidth: 0, title: { text: "score,<br>ranking<br>scale" } } } : { color: COLOURS[at % MOST] }),
          line: { width: points.map((point) => (typeof one.thumbnails[point] === "number" ? 1.5 : 0)), color: colour("--ink") },
        },
      };
    });
    const ring = { type: "scatter", mode: "markers", x: seen < 0 ? [] : [one.x[seen]], y: seen < 0 ? [] : [one.y[seen]], hoverinfo: "skip", showlegend: false, marker: { size: 20, symbol: "circle-open", color: colour("--ink"), line: { width: 3 } } };
    const [along, across] = one.explained.map((share) => `${(100 * share).toFixed(1)} % of the variance`);
    const bare = { showgrid: false, zeroline: false, showticklabels: false };
    show("map-figure", [...traces, ring], {
      xaxis: { ...bare, title: { text: `component 1: ${along}` } }, yaxis: { ...bare, title: { text: `component 2: ${across}` }, scaleanchor: "x" },
      margin: { l: 40, r: 16, t: 12, b: 90 }, hovermode: "closest",
    });
    const element = $("map-figure");
    element.removeAllListeners("plotly_hover");
    element.on("plotly_hover", (event) => { const point = event.points[0].customdata; if (point !== undefined) tellPoint(point); });
  });
  if ($("map-figure")) {
    $("map-colour").addEventListener("change", () => redraw("map-figure"));
    $("map-back").addEventListener("click", () => step(-1));
    $("map-next").addEventListener("click", () => step(1));
    let model;
    follow(() => {
      const one = chart();
      if (model !== row().key[0]) { seen = -1; $("map-point").replaceChildren(); }
      model = row().key[0];
      $("map-shown").hidden = !one;
      $("map-note").textContent = one
        ? `${whole(one.paths === undefined ? 0 : one.x.length)} of ${whole(one.images)} images, evenly spread over each set, by ${one.called}: its image embeddings in the two directions in which they differ most (PCA). Points that are near each other here can be far apart in the other directions. Larger points have a thumbnail.`
        : "The embeddings of this model are not cached.";
      redraw("map-figure");
    });
  }
