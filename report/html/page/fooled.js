  /* ---- images that fooled the score, and classes that fail ---- */
  const card = (infinity) => (one) => {
    const made = element("div", undefined, "card");
    const small = one.thumbnail === null ? element("div", "no thumbnail", "none") : element("img");
    if (one.thumbnail !== null) {
      small.src = `data:image/jpeg;base64,${data.thumbnails[one.thumbnail]}`;
      small.alt = one.path;
      small.loading = "lazy";
    }
    const score = element("div", number(one.score, infinity, 3));
    score.title = `ranking scale: ${number(one.ranked, infinity)}`;
    made.append(small, score, element("div", `nearest: ${one.nearest}`),
      element("div", one.label ? `label: ${one.label}` : "no label", "soft"), element("div", one.path, "soft"));
    return made;
  };
  const failing = (id, title, classes, verb) => {
    const head = element("tr");
    for (const [text, kind] of [[title, ""], [verb, "number"], ["of", "number"], ["share", ""], ["mostly nearest to", ""]]) head.append(element("th", text, kind));
    const made = classes.map((one) => {
      const line = element("tr");
      const share = element("td");
      const bar = element("span", undefined, "bar");
      bar.style.width = `${Math.round(90 * one.failed / one.total)}px`;
      share.append(bar, `${percent(one.failed / one.total)} %`);
      line.append(element("td", one.label || "no label"), element("td", whole(one.failed), "number"), element("td", whole(one.total), "number"), share, element("td", one.nearest));
      return line;
    });
    $(id).replaceChildren(head, ...made);
  };
  follow(() => {
    const one = row();
    const ood = $("ood").value;
    $("fooled-ood-title").textContent = `OOD images scored as in-distribution (${ood})`;
    $("fooled-id-title").textContent = `ID images scored as OOD (${one.id})`;
    $("fooled-ood").replaceChildren(...one.fooled_ood[ood].map(card("∞")));
    $("fooled-id").replaceChildren(...one.fooled_id.map(card("−∞")));
    failing("failing-ood", `OOD: ${ood}`, one.failing_ood[ood], "kept");
    failing("failing-id", `ID: ${one.id}`, one.failing_id, "rejected");
    const found = own(one.calibration, ood);
    $("calibration").textContent = found
      ? `At p = 0.5: ${percent(found.kept_id)} % of ID and ${percent(found.kept_ood)} % of OOD are kept. Brier ${found.brier.toFixed(4)}, ECE ${found.ece.toFixed(4)} at a prevalence of ${percent(found.prevalence)} % ID.`
      : "";
  });
