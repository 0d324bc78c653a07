  /* ---- streams ---- */
  if (data.streams.length) {
    const each = (name) => [...new Set(data.streams.map((one) => one[name]))];
    const orders = each("order");
    const methods = each("method");
    options($("stream-method"), methods);
    options($("stream-ood"), each("ood"));
    const those = () => data.streams.filter((one) => one.method === $("stream-method").value && one.ood === $("stream-ood").value);
    const look = (order) => {
      const place = orders.indexOf(order);
      return {
        name: plain(cut(order, narrow() ? 24 : 50)), legendgroup: String(place),
        line: { color: COLOURS[place % MOST], dash: DASHES[place % MOST], width: 2 },
        marker: { color: COLOURS[place % MOST], symbol: MARKERS[place % MOST] },
      };
    };
    const times = (values, by) => values.map((value) => (value === null ? null : by * value));
    // An axis is the same for every score and set: that of shares is 0 to 100 %.
    const along = (id, of, percents, missing) => figure(id, () => {
      const there = those().filter((one) => one.path !== null && of(one.path)[1] !== null);
      const none = there.every((one) => of(one.path)[1].every((value) => value === null));
      show(id, there.map((one) => {
        const [x, y] = of(one.path);
        const own = look(one.order);
        return {
          ...own, type: "scatter", mode: "lines+markers", x, y: times(y, percents ? 100 : 1), marker: { ...own.marker, size: 4 },
          hovertemplate: `%{y:.${percents ? 1 : 2}f}${percents ? " %" : ""} after %{x:,} images<extra>${own.name}</extra>`,
        };
      }), {
        xaxis: { title: { text: "images so far" }, rangemode: "tozero" }, yaxis: percents ? { ticksuffix: " %", range: [-3, 103] } : {},
        showlegend: there.length > 0,
        annotations: there.length && none ? [{ text: missing, showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }] : [],
      });
    });
    for (const name of Object.keys(data.measures)) along(`stream-${name}`, (path) => [path.ends, path.measured[name]], true, "fewer than 10 of ID or OOD");
    along("stream-id_share", (path) => [path.moments, path.id_share], true, "holds none");
    along("stream-ood_share", (path) => [path.moments, path.ood_share], true, "holds none");
    along("stream-threshold", (path) => [path.moments, path.threshold], false, "none");

    const strip = (id, measure) => figure(id, () => {
      const ood = $("stream-ood").value;
      const shown = data.streams.filter((one) => one.ood === ood);
      const high = 152 + 26 * methods.length;
      $(id).style.minHeight = $(id).style.height = `${high}px`;
      show(id, orders.map((order) => {
        const points = shown.filter((one) => one.order === order)
          .flatMap((one) => Object.entries(one.orders).map(([name, measured]) => [100 * measured[measure], methods.indexOf(one.method), name]));
        const own = look(order);
        return {
          ...own, type: "scatter", mode: "markers", x: points.map(([x]) => x), y: points.map(([, y]) => y), marker: { ...own.marker, size: 9, opacity: 0.8 },
          text: points.map(([, place, name]) => plain(`${cut(methods[place], 60)}, ${cut(name, 40)}`)), hovertemplate: "%{text}: %{x:.2f} %<extra></extra>",
        };
      }), {
        height: high, xaxis: { ticksuffix: " %" },
        yaxis: { range: [methods.length - 0.5, -0.5], tickvals: methods.map((_, place) => place), ticktext: methods.map((name) => plain(cut(name, narrow() ? 16 : 36))), zeroline: false },
        // Above the first line is room for the buttons of the figure.
        margin: { l: 8, r: 24, t: 30, b: 40 }, showlegend: true,
      });
    });
    const strips = Object.keys(data.measures).map((measure) => `strip-${measure}`);
    strips.forEach((id) => strip(id, id.slice("strip-".length)));
    const panels = [...Object.keys(data.measures), "id_share", "ood_share", "threshold"].map((name) => `stream-${name}`);
    const tell = () => {
      const paths = those().map((one) => one.path).filter((path) => path !== null);
      const lengths = [...new Set(paths.map((path) => path.window))].sort((one, two) => one - two).map(whole);
      const several = those().filter((one) => one.path !== null && Object.keys(one.orders).length > 1)
        .map((one) => `Of ${cut(one.order, 40)} the line is the first of ${Object.keys(one.orders).length} shuffles, with seed ${one.path.order.replace("shuffle ", "")}.`);
      const shared = [...new Set(those().filter((one) => one.is_shared).map((one) => cut(one.order, 40)))];
      const counts = shared.length ? [`In ${shared.join(" and ")} the memory counts images of every OOD set.`] : [];
      $("stream-window").textContent = paths.length
        ? [`A window has the latest ${lengths.join(" or ")} images; where it has fewer than 10 of ID or of this OOD set, the line has a gap.`, ...several, ...counts].join(" ")
        : "An average over OOD sets has none: choose one of the sets.";
      $("stream-paths").hidden = !paths.length;
      const has = (name) => paths.some((path) => path[name] !== null);
      $("stream-moves").hidden = !has("threshold");
      $("stream-id").hidden = !has("id_share");
      $("stream-ood-side").hidden = !has("ood_share");
    };
    const changed = () => { tell(); redraw(...panels, ...strips); };
    $("stream-method").addEventListener("change", changed);
    $("stream-ood").addEventListener("change", changed);
    tell();
  }

