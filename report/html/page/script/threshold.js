  /* ---- the threshold explorer ---- */
  const startSlider = () => {
    $("slider").max = String(row().curve.ranked.length - 1);
    $("slider").value = String(row().threshold);
  };
  // Thresholds fall: an infinity with no number after it is negative.
  const thresholdText = (one, place, form) => {
    const values = one.curve[form];
    return number(values[place], place > 0 && values.slice(place).every((value) => value === null) ? "−∞" : "∞", 3);
  };
  const onBothScales = (one, place) => {
    const [ranked, shown] = [thresholdText(one, place, "ranked"), thresholdText(one, place, "shown")];
    return ranked === shown ? ranked : `${ranked} on the ranking scale; ${shown} as published`;
  };
  const bar = (share, paint) => {
    const track = element("span", undefined, "meter");
    const made = element("span", undefined, "bar");
    made.style.width = `${100 * share}%`;
    made.style.background = paint;
    track.append(made);
    return track;
  };
  const confusion = () => {
    const one = row();
    const place = Number($("slider").value);
    const text = onBothScales(one, place);
    $("at").textContent = text;
    $("slider").setAttribute("aria-valuetext", `${text}, keeps ${percent(one.curve.kept_id[place] / one.n_id)} % of ID`);
    const sets = [[`ID: ${one.id}`, one.curve.kept_id[place], one.n_id, "TPR"],
      ...Object.keys(one.n_ood).map((ood) => [`OOD: ${ood}`, one.curve.kept_ood[ood][place], one.n_ood[ood], "FPR"])];
    $("confusion").tBodies[0].replaceChildren(...sets.map(([name, kept, total, rate], at) => {
      const line = element("tr");
      const head = element("th", name);
      head.scope = "row";
      const share = element("td", undefined, "number");
      share.append(bar(kept / total, COLOURS[at ? 1 : 0]), element("span", `${percent(kept / total)} %`));
      line.append(head, element("td", rate, "soft"), element("td", whole(kept), "number"),
        element("td", whole(total - kept), "number"), share);
      return line;
    }));
    expected();
  };

  /* ---- counts to expect in a stream with a share of OOD images ---- */
  const STREAM = 1000;
  const few = (count) => (count > 0 && count < 1 ? String(Number(count.toPrecision(2)))
    : count.toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 }));
  const expected = () => {
    const share = $("prevalence").value === "" ? NaN : Number($("prevalence").value) / 100;
    const isShare = share >= 0 && share <= 1;
    $("prevalence").setAttribute("aria-invalid", String(!isShare));
    $("expected").hidden = !isShare;
    if (!isShare) { $("alarms").textContent = "Type a share from 0 to 100 %."; return; }
    const one = row();
    const ood = $("ood").value;
    const place = Number($("slider").value);
    const inside = STREAM * (1 - share);
    const outside = STREAM * share;
    const each = [[inside, one.curve.kept_id[place], one.n_id], [outside, one.curve.kept_ood[ood][place], one.n_ood[ood]]];
    const kept = each.map(([of, count, all]) => of * count / all);
    // Not a difference, which rounding would keep from 0.
    const rejected = each.map(([of, count, all]) => of * (all - count) / all);
    const lines = [["ID images", kept[0], rejected[0], inside], ["OOD images", kept[1], rejected[1], outside],
      ["all", kept[0] + kept[1], rejected[0] + rejected[1], STREAM]];
    $("expected").tBodies[0].replaceChildren(...lines.map(([name, ...counts]) => {
      const line = element("tr");
      const head = element("th", name);
      head.scope = "row";
      line.append(head, ...counts.map((count) => element("td", few(count), "number")));
      return line;
    }));
    const all = rejected[0] + rejected[1];
    $("alarms").textContent = all > 1e-9
      ? `${percent(rejected[1] / all)} % of the rejected images are OOD, if OOD images are like those of ${ood}.`
      : "No image is rejected.";
  };
  if (rows.length) {
    startSlider();
    $("slider").addEventListener("input", () => { confusion(); move(); });
    $("form").addEventListener("change", () => redraw("histogram"));
    $("prevalence").addEventListener("input", expected);
  }
  follow(confusion);
