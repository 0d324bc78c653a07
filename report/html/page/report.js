  // Okabe and Ito's colour-blind-safe colours; dashes and markers differ too.
  const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1", "#7F7F7F"];
  const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash"];
  const MARKERS = ["circle", "square", "diamond", "triangle-up", "x", "cross", "triangle-down", "pentagon"];
  const MOST = 8;
  const FIFTHS = [0, 0.2, 0.4, 0.6, 0.8, 1];

  // Plotly interprets markup in every text: untrusted names must stay plain text.
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/\s+/g, " ");
  // A dataset may have the name of an inherited property, such as constructor.
  const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);
  const cut = (text, most) => {
    const letters = [...String(text)];
    if (letters.length <= most) return String(text);
    const half = Math.floor((most - 1) / 2);
    return letters.slice(0, half).join("") + "…" + letters.slice(-half).join("");
  };
  const percent = (share) => (100 * share).toFixed(2);
  const number = (value, infinity = "∞", digits = 5) => (value === null ? infinity : String(Number(value.toPrecision(digits))));
  const whole = (count) => count.toLocaleString("en");
  const element = (tag, text, classes) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (classes) made.className = classes;
    return made;
  };
  const options = (select, names, values) => {
    select.replaceChildren(...names.map((name, place) => {
      const option = element("option", name);
      option.value = values ? values[place] : name;
      return option;
    }));
  };

  /* ---- light and dark ---- */
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const paint = (dark) => { root.dataset.theme = dark ? "dark" : "light"; };
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  paint(system.matches);

  /* ---- figures: drawn when scrolled near, and again when their data changes ---- */
  const drawers = new Map();
  const near = new Set();
  const narrow = () => root.clientWidth < 640;
  const layout = (changes) => {
    const axis = { gridcolor: colour("--rule"), zerolinecolor: colour("--rule"), linecolor: colour("--soft"), automargin: true };
    const { xaxis, yaxis, ...others } = changes;
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("--ink"), size: narrow() ? 11 : 13, family: "system-ui, 'DejaVu Sans', sans-serif" },
      margin: { l: 56, r: 24, t: 12, b: 48 },
      legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom", x: 0 },
      hoverlabel: { bgcolor: colour("--paper"), bordercolor: colour("--rule"), font: { color: colour("--ink") } },
      xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--rule"), activecolor: colour("--soft") },
      ...others,
    };
  };
  const config = () => ({
    responsive: true, displaylogo: false, displayModeBar: narrow() ? false : "hover",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
  });
  const show = (id, traces, changes) => Plotly.react($(id), traces, layout(changes), config());
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) { near.delete(entry.target.id); continue; }
      near.add(entry.target.id);
      draw(entry.target.id);
    }
  }, { rootMargin: "300px" });
  const stale = new Set();
  function draw(id) {
    if (!stale.has(id) || !window.Plotly) return;
    stale.delete(id);
    drawers.get(id)();
  }
  const redraw = (...ids) => {
    for (const id of ids) {
      if (!drawers.has(id)) continue;
      stale.add(id);
      if (near.has(id)) draw(id);
    }
  };
  const figure = (id, drawer) => {
    if (!$(id)) return;
    drawers.set(id, drawer);
    stale.add(id);
    watcher.observe($(id));
  };
  // Plotly is packed: a script's own hash lets it run, and no other.
  const unpackPlotly = async () => {
    const script = element("script");
    script.textContent = await (await unzipped("plotly")).text();
    document.head.append(script);
    near.forEach(draw);
  };
  unpackPlotly();
  const repaint = () => redraw(...drawers.keys());
  $("theme").addEventListener("click", () => { paint(root.dataset.theme !== "dark"); repaint(); });
  system.addEventListener("change", () => { paint(system.matches); repaint(); });

  /* ---- the table ---- */
  const body = $("table").tBodies[0];
  const lines = [...body.rows];
  const selects = [...document.querySelectorAll("select[data-filter]")];
  const filter = () => {
    const words = $("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const line of lines) {
      const text = line.textContent.toLowerCase();
      const shown = words.every((word) => text.includes(word))
        && selects.every((select, place) => !select.value || line.getAttribute(`data-${place}`) === select.value);
      line.hidden = !shown;
      count += shown;
    }
    $("count").textContent = `${whole(count)} of ${whole(lines.length)} rows`;
  };
  const valueOf = (line, place) => {
    const cell = line.cells[place];
    // The first child leaves out the small print shown on phones.
    return cell.dataset.sort === undefined ? cell.firstChild.textContent : Number(cell.dataset.sort);
  };
  const heads = [...$("table").tHead.rows[0].cells];
  heads.forEach((head, place) => head.querySelector("button").addEventListener("click", () => {
    // Numbers sort from the highest first, text from A.
    const first = head.classList.contains("number") ? "descending" : "ascending";
    const other = first === "descending" ? "ascending" : "descending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    heads.forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    lines.sort((one, two) => {
      const [a, b] = [valueOf(one, place), valueOf(two, place)];
      return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    });
    body.append(...lines);
  }));
  $("words").addEventListener("input", filter);
  selects.forEach((select) => select.addEventListener("change", filter));
  filter();

  // The table works before this.
  const data = await unpackedData();

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
      xaxis: { side: "top", tickvals: data.ood.map((_, place) => place), ticktext: data.ood.map((ood) => plain(cut(ood, 22))), showgrid: false, tickangle: narrow() ? -60 : 0 },
      yaxis: { autorange: "reversed", tickvals: data.heat.map((_, place) => place), ticktext: data.heat.map(title), showgrid: false },
      margin: { l: 8, r: 8, t: 34, b: 8 },
    });
  });
  $("measure").addEventListener("change", () => redraw("heat-figure"));

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
