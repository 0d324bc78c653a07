  /* ---- the table ---- */
  const body = $("table").tBodies[0];
  const lines = [...body.rows];
  // A name that is cut is found by all of its letters.
  const written = new Map(lines.map((line) => [line, [line.textContent, ...[...line.querySelectorAll(".cut")].map((one) => one.title)].join(" ").toLowerCase()]));
  const selects = [...document.querySelectorAll("select[data-filter]")];
  const filter = () => {
    const words = $("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const line of lines) {
      const text = written.get(line);
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
    return cell.dataset.sort === undefined ? cell.firstChild.title || cell.firstChild.textContent : Number(cell.dataset.sort);
  };
  const heads = [...$("table").tHead.rows[0].cells];
  // On a phone, where a row is a card, each number has its heading.
  for (const line of lines) {
    [...line.cells].forEach((cell, place) => { cell.dataset.label = heads[place].querySelector("button")?.textContent ?? ""; });
  }
  const sort = (place, order) => {
    heads.forEach((one) => one.removeAttribute("aria-sort"));
    heads[place].setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    lines.sort((one, two) => {
      const [a, b] = [valueOf(one, place), valueOf(two, place)];
      return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    });
    body.append(...lines);
  };
  // Numbers sort from the highest first, text from A.
  const first = (head) => (head.classList.contains("number") ? "descending" : "ascending");
  heads.forEach((head, place) => head.querySelector("button").addEventListener("click", () => {
    const other = first(head) === "descending" ? "ascending" : "descending";
    sort(place, head.getAttribute("aria-sort") === first(head) ? other : first(head));
  }));
  $("sort").addEventListener("change", () => {
    const place = Number($("sort").value);
    if ($("sort").value) sort(place, heads[place].textContent.startsWith("FPR") ? "ascending" : first(heads[place]));
  });
  $("words").addEventListener("input", filter);
  selects.forEach((select) => select.addEventListener("change", filter));
  filter();

  // The table works before this.
  const data = await unpackedData();

