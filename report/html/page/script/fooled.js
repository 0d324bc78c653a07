  /* ---- images that fooled the score, and classes that fail ---- */
  const source = (thumbnail) => `data:image/jpeg;base64,${data.thumbnails[thumbnail]}`;
  const enlarge = (title, pictures) => {
    $("enlarged-title").textContent = title;
    $("enlarged-images").replaceChildren(...pictures.filter((one) => one.thumbnail !== null).map((one) => {
      const made = element("figure");
      const large = element("img");
      large.src = source(one.thumbnail);
      large.alt = one.alt;
      made.append(large, element("figcaption", one.text), element("figcaption", one.path, "soft"));
      return made;
    }));
    $("enlarged").showModal();
  };
  if (rows.length) {
    $("enlarged-close").addEventListener("click", () => $("enlarged").close());
    // A click beside the dialog's content is one on the dialog itself.
    $("enlarged").addEventListener("click", (event) => { if (event.target === $("enlarged")) $("enlarged").close(); });
  }
  const thumb = (one, all, title) => {
    const made = element("div", undefined, "thumb");
    if (one.thumbnail === null) {
      made.append(element("div", "no thumbnail", "none"));
    } else {
      const button = element("button");
      const small = element("img");
      button.type = "button";
      small.src = source(one.thumbnail);
      small.alt = `${one.alt}: enlarge`;
      small.loading = "lazy";
      button.append(small);
      button.addEventListener("click", () => enlarge(title, all));
      made.append(button);
    }
    made.append(element("p", one.text), element("p", one.path, "soft path"));
    return made;
  };
  const three = (value, infinity, digits = 3) => (value !== null && Math.abs(value) >= 0.001 && Math.abs(value) < 1000 ? value.toPrecision(digits) : number(value, infinity, digits));
  const told = (one, isFooled, isOod, at) => {
    const infinity = isOod ? "∞" : "−∞";
    const both = [3, 4, 5, 6].map((digits) => [three(one.score, infinity, digits), three(at, "∞", digits)]);
    // More digits where fewer would show two numbers as one.
    const [score, threshold] = both.find(([first, second]) => first !== second) || both[0];
    const kept = isOod === isFooled ? `taken for '${one.nearest}'` : `rejected; its nearest class is '${one.nearest}'`;
    return `${kept}, score ${score}, threshold ${threshold}, both as published`;
  };
  // The first `fooled` of them are on the wrong side of the threshold of 95 % TPR.
  const card = (fooled, isOod, at) => (one, place) => {
    const made = element("li", undefined, "card");
    const words = told(one, place < fooled, isOod, at);
    const pictures = [{ ...one, alt: one.label || (isOod ? "OOD image" : "ID image"), text: one.label ? `own class: ${one.label}` : "no class of its own" }];
    const { similar } = one;
    if (similar) {
      pictures.push({ ...similar, alt: similar.label || "ID image", text: `most similar ID image${similar.label ? `: ${similar.label}` : ""}, cosine ${similar.cosine.toFixed(3)}` });
    }
    const line = element("p", words, "words");
    line.title = `ranking scale: ${number(one.ranked, isOod ? "∞" : "−∞")}`;
    const pair = element("div", undefined, "pictures");
    pair.append(...pictures.map((each) => thumb(each, pictures, words)));
    made.append(line, pair);
    return made;
  };
  const failing = (id, title, classes, verb) => {
    const head = element("tr");
    for (const [text, kind] of [[title, ""], [`share ${verb}`, ""], [verb, "number"], ["of", "number"], ["mostly nearest to", ""]]) {
      const cell = element("th", text, kind);
      cell.scope = "col";
      head.append(cell);
    }
    const made = classes.map((one) => {
      const line = element("tr");
      const name = element("th", one.label || "no label");
      name.scope = "row";
      const share = element("td", undefined, "chart");
      share.append(bar(one.failed / one.total, COLOURS[id === "failing-ood" ? 1 : 0]), element("span", `${percent(one.failed / one.total)} %`));
      line.append(name, share, element("td", whole(one.failed), "number"), element("td", whole(one.total), "number"), element("td", one.nearest));
      return line;
    });
    const none = element("tr");
    const empty = element("td", "No class fails.", "soft");
    empty.colSpan = 5;
    none.append(empty);
    $(id).tHead.replaceChildren(head);
    $(id).tBodies[0].replaceChildren(...(made.length ? made : [none]));
  };
  follow(() => {
    const one = row();
    const ood = $("ood").value;
    const at = one.curve.shown[one.threshold];
    $("fooled-ood-title").textContent = `OOD images scored as in-distribution (${ood})`;
    $("fooled-id-title").textContent = `ID images scored as OOD (${one.id})`;
    $("fooled-ood").replaceChildren(...one.fooled_ood[ood].map(card(one.curve.kept_ood[ood][one.threshold], true, at)));
    $("fooled-id").replaceChildren(...one.fooled_id.map(card(one.n_id - one.curve.kept_id[one.threshold], false, at)));
    failing("failing-ood", `OOD: ${ood}`, one.failing_ood[ood], "kept");
    failing("failing-id", `ID: ${one.id}`, one.failing_id, "rejected");
  });
