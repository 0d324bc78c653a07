  /* ---- one score, and those to compare it with ---- */
  const rows = data.rows;
  const row = () => rows[Number($("row").value)];
  const boxes = !rows.length ? [] : rows.map((one, place) => {
    const box = element("input");
    box.type = "checkbox";
    box.value = String(place);
    box.addEventListener("change", () => { limit(); redraw("roc", "pr"); });
    const label = element("label");
    label.append(box, element("span", one.name));
    $("beside").append(label);
    return box;
  });
  const limit = () => {
    const full = boxes.filter((box) => box.checked).length >= MOST - 1;
    boxes.forEach((box) => { box.disabled = full && !box.checked; });
  };
  const chosen = () => [row(), ...boxes.filter((box) => box.checked && rows[Number(box.value)] !== row())
    .map((box) => rows[Number(box.value)])].filter((one) => Object.hasOwn(one.n_ood, $("ood").value)).slice(0, MOST);
  const oodSets = () => {
    const before = $("ood").value;
    options($("ood"), Object.keys(row().n_ood));
    if (Object.hasOwn(row().n_ood, before)) $("ood").value = before;
  };
  // What shows the chosen score or OOD set, called when either changes.
  const followers = [];
  const follow = (follower) => { if (rows.length) { followers.push(follower); follower(); } };
  if (rows.length) {
    options($("row"), rows.map((one) => one.name), rows.map((_, place) => String(place)));
    oodSets();
    $("row").addEventListener("change", () => { oodSets(); startSlider(); followers.forEach((one) => one()); });
    $("ood").addEventListener("change", () => followers.forEach((one) => one()));
  }
