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

