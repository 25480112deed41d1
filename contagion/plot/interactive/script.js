(() => {
  "use strict";
  const all = (root, what) => [...root.querySelectorAll(what)];
  const make = (tag, text, look) => {
    const one = document.createElement(tag);
    if (text !== undefined) one.textContent = text;
    if (look) one.className = look;
    return one;
  };
  const tip = (root) => {
    const box = make("div", "", "ct-tip");
    box.hidden = true;
    root.append(box);
    return (text, at) => {
      box.hidden = !text;
      if (!text) return;
      box.textContent = text;
      const own = root.getBoundingClientRect(), r = at.getBoundingClientRect();
      const left = r.left - own.left + r.width / 2 - box.offsetWidth / 2;
      box.style.left = Math.max(0, Math.min(left, own.width - box.offsetWidth)) + "px";
      box.style.top = Math.max(0, r.top - own.top - box.offsetHeight - 6) + "px";
    };
  };
  const read = async (holder) => {
    if (holder.type === "application/json") return JSON.parse(holder.textContent);
    const bytes = Uint8Array.from(atob(holder.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };
  const native = (svg) => all(svg, "title").forEach((title) => title.remove());

  async function map(root) {
    const data = await read(root.querySelector(".ct-data"));
    const svgs = all(root, ".ct-draw > svg[role]"), panel = root.querySelector(".ct-panel");
    const tools = root.querySelector(".ct-tools"), hint = panel.firstElementChild;
    const marks = new Map(), show = tip(root), rounds = data.rounds || [0];
    let round = rounds.length - 1, chosen = -1;
    svgs.forEach((svg) => {
      native(svg);
      svg.setAttribute("role", "group");
      all(svg, ".m").forEach((g, at) => {
        const k = +g.dataset.m;
        marks.set(k, [...(marks.get(k) || []), g]);
        g.setAttribute("role", "button");
        g.setAttribute("tabindex", at ? -1 : 0);
        g.addEventListener("click", () => open(k));
        g.addEventListener("mouseenter", () => hover(k, g));
        g.addEventListener("mouseleave", () => hover(-1));
        g.addEventListener("focus", () => hover(k, g));
        g.addEventListener("blur", () => hover(-1));
        g.addEventListener("keydown", (event) => keys(event, svg, g, k));
      });
    });
    const words = (k) => {
      const loss = data.losses ? data.losses[round][k] : "";
      const state = data.outcomes ? data.states[data.outcomes[round][k]] || "" : "";
      const [name, kind, boxed, size] = data.marks[k], unit = data.unit ? " " + data.unit : "";
      const bears = loss ? "loses " + loss + unit : "";
      const assets = data.losses || !size ? "" : size + unit;
      const what = boxed || kind === "external creditors" ? "" : kind;
      return [name, what, state === kind ? "" : state, bears, assets].filter(Boolean).join(", ");
    };
    function hover(k, at) {
      show(k < 0 ? "" : words(k), at);
      const near = new Set([k]);
      data.ends.forEach(([a, b]) => { if (a === k || b === k) near.add(a).add(b); });
      svgs.forEach((svg) => {
        all(svg, ".l").forEach((l) => {
          const [a, b] = data.ends[+l.dataset.l];
          l.classList.toggle("dim", k >= 0 && a !== k && b !== k);
        });
        all(svg, ".m, .t").forEach((m) =>
          m.classList.toggle("dim", k >= 0 && !near.has(+m.dataset.m)));
      });
    }
    function open(k, row) {
      chosen = k;
      marks.forEach((list, at) => list.forEach((g) => g.classList.toggle("found", at === k)));
      panel.replaceChildren();
      if (k < 0) { panel.append(hint); return; }
      panel.append(make("h4", row ? row[0] : data.marks[k][0]));
      if (row) {
        const list = make("dl");
        [["kind", row[1]], ["assets", row[2]], ["owners lose", row[3]],
          ["external creditors lose", row[4]]].filter(([, b]) => b).forEach(([a, b]) =>
          list.append(make("dt", a), make("dd", b)));
        panel.append(list, make("p", "In the box " + data.marks[k][0] + "."));
      } else {
        panel.append(make("p", words(k)));
        data.panels[k].forEach(([head, lines]) => {
          const list = make("dl");
          lines.forEach(([a, b]) => list.append(make("dt", a), make("dd", b)));
          panel.append(make("h5", head), list);
        });
      }
      if (data.unit) panel.append(make("p", "Amounts in " + data.unit + "."));
    }
    function step(to) {
      round = Math.max(0, Math.min(rounds.length - 1, to));
      marks.forEach((list, k) => list.forEach((g) => {
        const state = data.outcomes[round][k];
        all(g, "text.v").forEach((v) => {
          v.dataset.end = v.dataset.end || v.textContent;
          const loss = data.losses[round][k], end = data.losses[rounds.length - 1][k];
          const first = v.dataset.end.split(":")[0];
          v.textContent = end ? (loss ? first + ": " + loss : first + ": 0") : v.dataset.end;
        });
        g.setAttribute("class",
          g.getAttribute("class").replace(/s-\w+/, "s-" + state).replace(/^m\b/, "m"));
        g.setAttribute("aria-label", words(k));
      }));
      svgs.forEach((svg) => {
        all(svg, ".t .v").forEach((v) => {
          v.dataset.end = v.dataset.end || v.textContent;
          const k = +v.parentNode.dataset.m, loss = data.losses[round][k];
          if (data.losses[rounds.length - 1][k]) v.textContent = loss ? "\u2212" + loss : "";
        });
        all(svg, ".l").forEach((l) => {
          const on = data.lost[round][+l.dataset.l] === "1";
          l.classList.toggle("lost", on);
          l.classList.toggle("still", !on);
        });
      });
      const bar = tools.querySelector(".ct-round");
      bar.value = round;
      const said = "round " + rounds[round] + " of " + rounds[rounds.length - 1];
      bar.setAttribute("aria-valuetext", said + (round ? "" : ", the shock alone"));
      bar.nextElementSibling.textContent = rounds[round] + " of " + rounds[rounds.length - 1];
      if (chosen >= 0) open(chosen);
    }
    function keys(event, svg, g, k) {
      const list = all(svg, ".m:not(.off)"), at = list.indexOf(g);
      const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (move) {
        const next = list[(at + move + list.length) % list.length];
        g.setAttribute("tabindex", -1);
        next.setAttribute("tabindex", 0);
        next.focus();
      } else if (event.key === "Enter" || event.key === " ") open(k);
      else if (event.key === "Escape") open(-1);
      else return;
      event.preventDefault();
    }
    function filter() {
      const boxes = all(tools, "fieldset input");
      const kinds = new Set(boxes.filter((b) => b.checked).map((b) => b.value));
      const size = tools.querySelector(".ct-size");
      const least = size ? (size.value / 100) ** 3 : 0;
      const off = (k) => {
        const [, kind, boxed] = data.marks[k];
        if (kind === "external creditors") return false;
        return (boxes.length && !kinds.has(kind) && kind !== "other kinds")
          || (!boxed && data.sizes[k] < least);
      };
      const said = least > 0 ? (100 * least).toPrecision(2) + "% of the largest" : "any";
      if (size) {
        size.nextElementSibling.textContent = said;
        size.setAttribute("aria-valuetext", said);
      }
      svgs.forEach((svg) => {
        all(svg, ".m, .t").forEach((m) => m.classList.toggle("off", off(+m.dataset.m)));
        all(svg, ".l").forEach((l) =>
          l.classList.toggle("off", data.ends[+l.dataset.l].some(off)));
      });
    }
    const search = tools.querySelector(".ct-find");
    data.rows.slice(0, 500).forEach((row) => {
      const option = make("option");
      option.value = row[0];
      search.list.append(option);
    });
    search.addEventListener("input", () => {
      const asked = search.value.trim().toLowerCase();
      const row = asked && (data.rows.find((r) => r[0].toLowerCase() === asked)
        || data.rows.find((r) => r[0].toLowerCase().includes(asked)));
      if (!row) return open(-1);
      open(row[5], data.marks[row[5]][2] ? row : undefined);
    });
    all(tools, "fieldset input, .ct-size").forEach((one) =>
      one.addEventListener("input", filter));
    if (data.outcomes) {
      const bar = tools.querySelector(".ct-round");
      bar.max = rounds.length - 1;
      bar.addEventListener("input", () => step(+bar.value));
      tools.querySelector(".ct-back").addEventListener("click", () => step(round - 1));
      tools.querySelector(".ct-on").addEventListener("click", () => step(round + 1));
      root.addEventListener("keydown", (event) => {
        if (event.target === search) return;
        if (event.key === "[") step(round - 1);
        if (event.key === "]") step(round + 1);
      });
      step(round);
      window.addEventListener("beforeprint", () => step(rounds.length - 1));
    }
    tools.hidden = false;
    panel.hidden = false;
    root.classList.add("ct-live");
  }

  function table(root) {
    const body = root.querySelector("tbody"), rows = [...body.rows];
    if (rows.length < 2) return;
    const heads = all(root, "thead th");
    const number = (text) => {
      const plain = text.replace(/[\u2212]/g, "-").replace(/[,%\s<]/g, "");
      return /^>?[-+]?[\d.]+(e[-+]?\d+)?$/i.test(plain) ? parseFloat(plain.replace(">", "")) : NaN;
    };
    heads.forEach((head, column) => {
      const button = make("button", head.textContent);
      if (!head.textContent.trim()) button.setAttribute("aria-label", "sort by the first column");
      button.type = "button";
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const down = before ? before === "ascending" : head.classList.contains("number");
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        const value = (row) => row.cells[column] ? row.cells[column].textContent.trim() : "";
        rows.slice().sort((a, b) => {
          const x = number(value(a)), y = number(value(b));
          if (Number.isNaN(x) && Number.isNaN(y)) return sign * value(a).localeCompare(value(b));
          if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
          return sign * (x - y);
        }).forEach((row) => body.append(row));
      });
    });
    if (rows.length < 9) return;
    const tools = make("div", undefined, "ct-tools"), label = make("label", "Filter ");
    const field = make("input"), count = make("span", rows.length + " rows");
    field.type = "search";
    count.setAttribute("role", "status");
    label.append(field);
    tools.append(label, count);
    root.prepend(tools);
    field.addEventListener("input", () => {
      const asked = field.value.trim().toLowerCase();
      let left = 0;
      rows.forEach((row) => {
        row.hidden = asked !== "" && !row.textContent.toLowerCase().includes(asked);
        left += !row.hidden;
      });
      count.textContent = asked ? left + " of " + rows.length + " rows" : rows.length + " rows";
    });
    window.addEventListener("beforeprint", () => rows.forEach((row) => { row.hidden = false; }));
  }

  function chart(root) {
    const show = tip(root), hits = all(root, ".ct-hit");
    if (!hits.length) return;
    let at = -1;
    const texts = hits.map((hit) => hit.textContent);
    native(root.querySelector("svg"));
    const pick = (k) => {
      at = k;
      hits.forEach((hit, i) => hit.classList.toggle("on", i === k));
      show(k < 0 ? "" : texts[k], hits[Math.max(k, 0)]);
      said.textContent = k < 0 ? "" : texts[k];
    };
    const svg = root.querySelector("svg"), said = make("p", "", "ct-note");
    said.setAttribute("role", "status");
    root.append(said);
    hits.forEach((hit, k) => {
      hit.addEventListener("mouseenter", () => pick(k));
      hit.addEventListener("click", () => pick(k));
    });
    svg.addEventListener("mouseleave", () => pick(-1));
    svg.setAttribute("tabindex", 0);
    svg.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!move) return;
      pick((at + move + hits.length) % hits.length);
      event.preventDefault();
    });
  }

  const start = { map, table, chart };
  const run = () => all(document, ".ct[data-ct]").forEach((root) => {
    if (root.dataset.live) return;
    root.dataset.live = "1";
    start[root.dataset.ct](root);
  });
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", run) : run();
})();
