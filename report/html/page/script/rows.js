  /* ---- the score that the figures show, and the rows of the table to compare it with ---- */
  const rows = data.rows;
  const row = () => rows[Number($("row").value)];
  // What shows the score, the OOD set or the rows that are compared, called when they change.
  const followers = [];
  const follow = (follower) => { if (rows.length) { followers.push(follower); follower(); } };
  const curved = ["roc", "pr", "histogram"];
  const picked = [];
  const chosen = () => {
    const found = [{ row: row(), ood: $("ood").value }];
    for (const one of picked) {
      // An average has no curve of its own: it follows the OOD set that is chosen.
      const ood = one.ood || $("ood").value;
      const isNew = !found.some((other) => other.row === one.row && other.ood === ood);
      if (isNew && Object.hasOwn(one.row.n_ood, ood)) found.push({ row: one.row, ood });
    }
    const several = new Set(found.map((one) => one.ood)).size > 1;
    return found.map((one) => ({ ...one, name: several ? `${one.row.name} on ${one.ood}` : one.row.name }));
  };

  const boxes = [];
  const nameOf = (one) => (one.ood ? `${one.row.name} on ${one.ood}` : one.row.name);
  const compare = (one, wanted) => {
    const place = picked.indexOf(one);
    if (wanted && place < 0) picked.push(one);
    if (!wanted && place >= 0) picked.splice(place, 1);
    one.box.checked = wanted;
    tellPicked();
    legend();
    redraw(...curved);
  };
  const tellPicked = () => {
    const full = picked.length >= MOST - 1;
    boxes.forEach(({ box }) => { box.disabled = full && !box.checked; });
    $("picked").replaceChildren(...picked.map((one) => {
      const chip = element("button", `${cut(nameOf(one), 44)} ×`, "chip");
      chip.type = "button";
      chip.title = nameOf(one);
      // Its line's place, -1 if the row lacks the chosen OOD set.
      const place = curvesOf().findIndex((line) => line.row.same[line.ood] === own(one.row.same, one.ood || $("ood").value));
      if (place >= 0) {
        chip.style.borderColor = COLOURS[place % MOST];
        chip.prepend(swatch(place));
      }
      chip.setAttribute("aria-label", `Stop comparing ${nameOf(one)}`);
      chip.addEventListener("click", () => { compare(one, false); ($("picked").firstChild || $("row")).focus(); });
      return chip;
    }));
    $("picked-count").textContent = !picked.length ? "Tick rows of the results table to compare them."
      : full ? `${picked.length} rows compared, the most there can be.` : `${picked.length} ${picked.length > 1 ? "rows" : "row"} compared.`;
  };
  for (const line of rows.length ? lines : []) {
    if (line.dataset.row === undefined) continue;
    const one = { row: rows[Number(line.dataset.row)], ood: line.dataset.ood, box: element("input") };
    one.box.type = "checkbox";
    one.box.className = "pick";
    one.box.setAttribute("aria-label", `Compare ${nameOf(one)}`);
    one.box.title = "Show in the curves and histograms";
    one.box.addEventListener("change", () => compare(one, one.box.checked));
    // After the text, which sorting and filtering read.
    line.cells[0].append(one.box);
    line.cells[0].classList.add("pickable");
    boxes.push(one);
  }

  const oodSets = () => {
    const before = $("ood").value;
    options($("ood"), Object.keys(row().n_ood));
    if (Object.hasOwn(row().n_ood, before)) $("ood").value = before;
  };
  if (rows.length) {
    options($("row"), rows.map((one) => one.name), rows.map((_, place) => String(place)));
    $("row").value = String(data.opening.row);
    oodSets();
    if (data.opening.ood) $("ood").value = data.opening.ood;
    tellPicked();
    $("row").addEventListener("change", () => { oodSets(); startSlider(); followers.forEach((one) => one()); });
    $("ood").addEventListener("change", () => followers.forEach((one) => one()));
  }
