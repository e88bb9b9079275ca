"use strict";
// Brings a result to life: hover, keyboard, sliders. Everything shown is set as text, never as HTML.
(() => {
  const COLOURS = "__COLOURS__";
  const STEPS = COLOURS.length / 6;
  const PARTS = COLOURS.match(/../g).map((part) => parseInt(part, 16)); // red, green, blue, red …
  const MOST_LINES = 1600;
  const MOST_OF_WORD = 40; // lines of the word that is pointed at
  const MOST_TERMS = 8; // of an equation
  const ROW = 26; // height of a word in the two columns, as in page.css
  const SVG = "http://www.w3.org/2000/svg";

  // The colour of a weight on the scale 0 … 1, as attncli.views.palette chooses it.
  function step(weight) {
    const exact = weight * (STEPS - 1);
    const up = Math.floor(exact + 0.5);
    const even = up - exact === 0.5 && up % 2 ? up - 1 : up; // halves to even
    return Math.min(Math.max(even, 0), STEPS - 1);
  }

  const colourOf = (weight) => "#" + COLOURS.slice(6 * step(weight), 6 * step(weight) + 6);

  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  const bytes = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const floats = (base64) => new Float32Array(bytes(base64).buffer);

  // Adds share · softmax(scores · factor) of each row to weights; a row of −∞ only stays zeros.
  function addSoftmax(weights, scores, start, n, factor, share) {
    for (let i = 0; i < n; i += 1) {
      const row = start + i * n;
      let peak = -Infinity;
      for (let j = 0; j < n; j += 1) peak = Math.max(peak, scores[row + j] * factor);
      if (peak === -Infinity) continue;
      let total = 0;
      for (let j = 0; j < n; j += 1) total += Math.exp(scores[row + j] * factor - peak);
      for (let j = 0; j < n; j += 1)
        weights[i * n + j] += (share * Math.exp(scores[row + j] * factor - peak)) / total;
    }
  }

  // Whole numbers proportional to the weights whose sum is the rounded sum (largest remainders).
  function shares(weights, precision) {
    const unit = 10 ** precision;
    const down = weights.map((weight) => Math.floor(weight * unit));
    const total = Math.round(weights.reduce((sum, weight) => sum + weight, 0) * unit);
    const order = weights.map((weight, i) => [weight * unit - down[i], i]);
    order.sort((a, b) => b[0] - a[0] || a[1] - b[1]);
    let missing = total - down.reduce((sum, share) => sum + share, 0);
    for (let k = 0; k < missing && k < order.length; k += 1) down[order[k][1]] += 1;
    return down.map((share) => share / unit);
  }

  // The same text as attncli.views.equations.
  function equation(words, weights, query, precision) {
    const parts = shares(weights, precision);
    if (parts.every((share) => share === 0)) return `${words[query]}(new) = 0 (nothing to attend to)`;
    let kept = parts.map((_, key) => key);
    if (kept.length > MOST_TERMS)
      kept = kept.sort((a, b) => weights[b] - weights[a] || a - b).slice(0, MOST_TERMS - 1)
        .sort((a, b) => a - b);
    const terms = kept.map((key) => `${parts[key].toFixed(precision)}·${words[key]}`);
    const shown = kept.reduce((sum, key) => sum + parts[key], 0);
    const rest = parts.reduce((sum, share) => sum + share, 0) - shown;
    if (kept.length < parts.length)
      terms.push(`${rest.toFixed(precision)}·(the other ${parts.length - kept.length})`);
    return `${words[query]}(new) = ${terms.join(" + ")}`;
  }

  class View {
    constructor(root) {
      this.root = root;
      const source = root.querySelector("script[type='application/json']");
      Object.assign(this, JSON.parse(source.textContent));
      this.n = this.words.length;
      this.scores = floats(this.scores);
      this.slot = new Map(this.held.map(([layer, head], i) => [`${layer},${head}`, i]));
      [this.layer, this.head] = this.start;
      this.now = this.temperature;
      this.mean = false;
      this.stretch = false;
      this.top = 1; // the weight at the upper end of the colours
      this.pinned = false;
      this.weights = new Float64Array(this.n * this.n);
      this.build();
      this.compute();
    }

    find(selector) { return this.root.querySelector(selector); }

    build() {
      this.buildMatrix();
      this.buildLines();
      this.buildControls();
      this.buildHeads();
      this.panel = this.find(".word-panel");
      this.every = [...this.root.querySelectorAll(".every tbody tr")];
      this.every.forEach((row, i) => row.addEventListener("pointerenter", () => this.point(i)));
      this.root.addEventListener("keydown", (event) => {
        if (event.key === "Escape") this.pin(false);
      });
      for (const hidden of this.root.querySelectorAll("[data-live]")) hidden.hidden = false;
    }

    // ---- the heat map: a table of numbers, or for many words a picture of pixels

    buildMatrix() {
      const table = this.find("table.matrix");
      if (table) this.buildTable(table);
      else this.buildBoard(this.find(".board"));
    }

    buildTable(table) {
      this.rows = [...table.tBodies[0].rows];
      this.columns = [...table.tHead.rows[0].cells].slice(1);
      this.cells = this.rows.map((row) => [...row.cells].slice(1));
      this.rows.forEach((row, i) => {
        row.addEventListener("pointerenter", () => this.point(i));
        row.cells[0].addEventListener("focus", () => this.point(i));
        row.cells[0].addEventListener("click", () => this.toggle(i));
        this.cells[i].forEach((cell, j) => {
          cell.addEventListener("pointerenter", () => this.point(i, j));
          cell.addEventListener("click", () => this.toggle(i, j));
        });
      });
      this.rove(this.rows.map((row) => row.cells[0]));
    }

    buildBoard(board) {
      const size = Math.max(1, Math.min(14, Math.floor(720 / this.n)));
      this.size = size;
      const canvas = board.querySelector("canvas");
      canvas.width = canvas.height = this.n;
      canvas.style.width = canvas.style.height = `${this.n * size}px`;
      this.canvas = canvas;
      this.band = element("div", { class: "band", hidden: "" });
      this.post = element("div", { class: "post", hidden: "" });
      this.band.style.height = this.post.style.width = `${size}px`;
      board.append(this.band, this.post);
      const at = (event, act) => {
        const i = Math.floor(event.offsetY / size);
        const j = Math.floor(event.offsetX / size);
        if (i >= 0 && j >= 0 && i < this.n && j < this.n) act(i, j);
      };
      canvas.addEventListener("pointermove", (event) => at(event, (i, j) => this.point(i, j)));
      canvas.addEventListener("click", (event) => at(event, (i, j) => this.toggle(i, j)));
    }

    paintMatrix() {
      if (this.cells) this.paintTable();
      else this.paint(this.canvas, this.weights);
    }

    paintTable() {
      for (let i = 0; i < this.n; i += 1)
        for (let j = 0; j < this.n; j += 1) {
          const weight = this.weights[i * this.n + j];
          const cell = this.cells[i][j];
          cell.classList.replace(cell.dataset.step, `w${step(weight / this.top)}`);
          cell.dataset.step = `w${step(weight / this.top)}`;
          cell.dataset.weight = weight.toPrecision(9);
          cell.title = `${this.words[i]} → ${this.words[j]}: ${weight.toFixed(7)}`;
          cell.textContent = weight.toFixed(this.precision);
        }
    }

    paint(canvas, weights) {
      this.paintSteps(canvas, weights.map((weight) => step(weight / this.top)));
    }

    paintSteps(canvas, steps) {
      const context = canvas.getContext("2d");
      const image = context.createImageData(canvas.width, canvas.height);
      for (let k = 0; k < steps.length; k += 1) {
        const at = 3 * steps[k];
        for (let part = 0; part < 3; part += 1) image.data[4 * k + part] = PARTS[at + part];
        image.data[4 * k + 3] = 255;
      }
      context.putImageData(image, 0, 0);
    }

    // ---- the lines between two columns of words

    buildLines() {
      const box = this.find(".lines");
      const svg = document.createElementNS(SVG, "svg");
      svg.setAttribute("viewBox", `0 0 100 ${this.n * ROW}`);
      svg.setAttribute("preserveAspectRatio", "none");
      svg.setAttribute("aria-hidden", "true");
      svg.style.height = `${this.n * ROW}px`;
      this.all = svg.appendChild(document.createElementNS(SVG, "g"));
      this.some = svg.appendChild(document.createElementNS(SVG, "g"));
      this.from = this.words.map((word, i) => {
        const button = element("button", { class: "word", type: "button", title: word,
          "data-query": i, "aria-pressed": "false" }, word);
        button.addEventListener("pointerenter", () => this.point(i));
        button.addEventListener("focus", () => this.point(i));
        button.addEventListener("click", () => this.toggle(i));
        return button;
      });
      this.to = this.words.map((word, j) => {
        const label = element("span", { class: "word", title: word, "data-key": j }, word);
        label.addEventListener("pointerenter", () => this.point(null, j));
        return label;
      });
      const list = (name, label, words) => element("ol", { class: name, "aria-label": label },
        ...words.map((word) => element("li", {}, word)));
      box.replaceChildren(list("from", "Words that attend (queries)", this.from), svg,
        list("to", "Words attended to (keys)", this.to));
      this.rove(this.from);
    }

    rove(words) {
      words.forEach((word, i) => {
        word.tabIndex = i ? -1 : 0;
        word.addEventListener("focus", () => {
          for (const other of words) other.tabIndex = other === word ? 0 : -1;
        });
        word.addEventListener("keydown", (event) => {
          const moves = { ArrowDown: i + 1, ArrowRight: i + 1, ArrowUp: i - 1, ArrowLeft: i - 1,
            Home: 0, End: words.length - 1 };
          const target = words[moves[event.key]];
          if (!(event.key in moves)) return;
          event.preventDefault();
          if (target) target.focus();
        });
      });
    }

    line(i, j) {
      const weight = this.weights[i * this.n + j];
      const line = document.createElementNS(SVG, "line");
      const ends = { x1: 0, x2: 100, y1: (i + 0.5) * ROW, y2: (j + 0.5) * ROW };
      for (const [name, value] of Object.entries(ends)) line.setAttribute(name, value);
      line.setAttribute("stroke", colourOf(weight / this.top));
      line.setAttribute("stroke-width", (0.6 + (6 * weight) / this.top).toFixed(2));
      line.dataset.pair = `${i},${j}`;
      return line;
    }

    paintLines() {
      const drawn = [];
      let least = 0;
      if (this.weights.length > MOST_LINES)
        least = Float64Array.from(this.weights).sort()[this.weights.length - MOST_LINES];
      this.weights.forEach((weight, k) => { if (weight > 0 && weight >= least) drawn.push(k); });
      drawn.sort((a, b) => this.weights[a] - this.weights[b]);
      const shown = drawn.slice(-MOST_LINES);
      this.all.replaceChildren(...shown.map((k) => this.line(Math.floor(k / this.n), k % this.n)));
      const above = this.weights.reduce((count, weight) => count + (weight > 0), 0);
      this.find(".lines-note").textContent = shown.length === above ? "" :
        `The ${shown.length} strongest of ${above} lines are drawn; ` +
        `a word that is pointed at shows its ${MOST_OF_WORD} strongest.`;
    }

    // ---- pointing at a word or at a pair of words

    point(query, key = null) {
      if (!this.pinned) this.light(query, key);
    }

    toggle(query, key = null) {
      const same = this.pinned && this.query === query;
      this.pinned = false;
      this.light(query, key);
      this.pin(!same);
    }

    pin(on) {
      this.pinned = on;
      this.from.forEach((word, i) => word.setAttribute("aria-pressed", on && i === this.query));
    }

    light(query, key = null) {
      if (query === this.query && key === this.key) return;
      const moved = query !== this.query;
      [this.query, this.key] = [query, key];
      this.from.forEach((word, i) => word.classList.toggle("lit", i === query));
      this.to.forEach((word, j) => word.classList.toggle("lit", j === key));
      if (this.cells) this.lightTable();
      else this.lightBoard();
      this.lightLines();
      if (query !== null && moved) this.showWord();
      this.readOut();
    }

    lightTable() {
      this.rows.forEach((row, i) => {
        row.classList.toggle("lit", i === this.query);
        row.cells[0].classList.toggle("lit", i === this.query);
        this.cells[i].forEach((cell, j) => {
          cell.classList.toggle("lit", j === this.key);
          cell.classList.toggle("cell", i === this.query && j === this.key);
        });
      });
      this.columns.forEach((head, j) => head.classList.toggle("lit", j === this.key));
    }

    lightBoard() {
      this.band.hidden = this.query === null;
      this.post.hidden = this.key === null;
      this.band.style.top = `${(this.query ?? 0) * this.size}px`;
      this.post.style.left = `${(this.key ?? 0) * this.size}px`;
    }

    lightLines() {
      const lines = [];
      for (let k = 0; k < this.n; k += 1) {
        const [i, j] = this.query === null ? [k, this.key] : [this.query, k];
        if (i !== null && j !== null && this.weights[i * this.n + j] > 0) lines.push([i, j]);
      }
      this.all.classList.toggle("dim", lines.length > 0);
      lines.sort((a, b) => this.weights[a[0] * this.n + a[1]] - this.weights[b[0] * this.n + b[1]]);
      this.some.replaceChildren(...lines.slice(-MOST_OF_WORD).map(([i, j]) => this.line(i, j)));
    }

    readOut() {
      const box = this.find(".readout");
      if (!box) return;
      if (this.query === null || this.key === null) box.textContent = "";
      else {
        const weight = this.weights[this.query * this.n + this.key];
        box.textContent = `${this.words[this.query]} → ${this.words[this.key]}: ${weight.toFixed(6)}`;
      }
    }

    // ---- the word that is pointed at

    rowOf(query) {
      return [...this.weights.subarray(query * this.n, (query + 1) * this.n)];
    }

    showWord() {
      const i = this.query;
      const row = this.rowOf(i);
      this.panel.classList.remove("idle");
      const heading = element("h3", {}, `${this.words[i]} `,
        element("span", { class: "note" }, `word ${i + 1} of ${this.n}`));
      const live = element("p", { class: "equation", "aria-live": "polite" },
        equation(this.labels, row, i, this.precision));
      const tables = element("div", { class: "tables" }, this.rowTable(row, i));
      for (const [near, title] of [[this.before, "Nearest words before"],
        [this.after, "Nearest words after"]])
        if (near[i]?.length) tables.append(this.nearTable(near[i], title));
      this.panel.replaceChildren(heading, live, tables);
      if (this.moved) this.panel.insertBefore(element("p", {},
        `Cosine between the old and the new vector: ${this.moved[i].toFixed(4)}`), tables);
      if (this.now !== this.temperature && this.moved)
        this.panel.append(element("p", { class: "note" },
          `Vectors and nearest words are those at temperature ${this.temperature}.`));
    }

    rowTable(row, i) {
      const order = row.map((weight, j) => [weight, j]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
      const body = element("tbody", {}, ...order.map(([weight, j]) => element("tr", {},
        element("th", { scope: "row" }, this.words[j]),
        element("td", {}, j + 1), element("td", { "data-key": j, "data-weight": weight.toPrecision(9) }, weight.toFixed(6)))));
      const heads = element("tr", {}, element("th", { scope: "col" }, "Word"),
        element("th", { scope: "col" }, "Place"), element("th", { scope: "col" }, "Weight"));
      return element("div", { class: "scroll", tabindex: 0, role: "group",
        "aria-label": "Weights of this word" }, element("table", { class: "row-weights" },
        element("caption", {}, `${this.words[i]} attends to`), element("thead", {}, heads), body));
    }

    nearTable(near, title) {
      const rows = near.map(([word, cosine]) => element("tr", {},
        element("th", { scope: "row" }, word), element("td", {}, cosine.toFixed(4))));
      const heads = element("tr", {}, element("th", { scope: "col" }, "Word"),
        element("th", { scope: "col" }, "Cosine"));
      return element("table", {}, element("caption", {}, title), element("thead", {}, heads),
        element("tbody", {}, ...rows));
    }

    // ---- temperature, layer and head

    buildControls() {
      const box = this.find(".controls");
      const bind = (name, act) => {
        const input = box.querySelector(`[name=${name}]`);
        if (input) input.addEventListener("input", () => { act(input); this.compute(); });
        return input;
      };
      this.inputs = {
        temperature: bind("temperature", (input) => { this.now = Number(input.value); }),
        layer: bind("layer", (input) => this.choose(Number(input.value), this.head)),
        head: bind("head", (input) => this.choose(this.layer, Number(input.value))),
        mean: bind("mean", (input) => { this.mean = input.checked; }),
        stretch: bind("stretch", (input) => { this.stretch = input.checked; }),
      };
      box.querySelector("button").addEventListener("click", () => {
        this.now = this.temperature;
        [this.layer, this.head] = this.start;
        this.mean = this.stretch = false;
        this.compute();
      });
    }

    choose(layer, head) {
      [this.layer, this.head] = [layer, head];
      this.mean = false;
    }

    compute() {
      const n = this.n;
      const chosen = this.mean ? this.held.filter(([layer]) => layer === this.layer)
        : [[this.layer, this.head]];
      const slots = chosen.map((pair) => this.slot.get(String(pair))).filter((at) => at !== undefined);
      this.weights.fill(0);
      for (const slot of slots)
        addSoftmax(this.weights, this.scores, slot * n * n, n, this.temperature / this.now,
          1 / slots.length);
      const most = this.weights.reduce((top, weight) => Math.max(top, weight), 0);
      this.top = this.stretch && most > 0 ? most : 1;
      this.sayState(slots.length > 0);
      this.paintMatrix();
      this.paintLines();
      this.paintEvery();
      this.markHead();
      const [query, key] = [this.query, this.key];
      if (query === undefined) return;
      this.query = undefined;
      this.light(query, key);
    }

    sayState(held) {
      const set = (name, value, text) => {
        const input = this.inputs[name];
        if (!input) return;
        if (Number(input.value) !== value) input.value = value;
        input.parentElement.querySelector("output").textContent = text;
        input.setAttribute("aria-valuetext", text);
      };
      set("temperature", this.now, String(Number(this.now.toPrecision(4))));
      const of = (numbers, at) => `${numbers[at]} (of ${numbers.length}, from ${numbers[0]})`;
      set("layer", this.layer, of(this.layers, this.layer));
      set("head", this.head, this.mean ? "mean of all" : of(this.heads, this.head));
      if (this.inputs.mean) this.inputs.mean.checked = this.mean;
      this.inputs.stretch.checked = this.stretch;
      this.root.querySelectorAll(".legend li").forEach((item, k) => {
        item.textContent = Number(((this.top * k) / 10).toPrecision(2)).toFixed(this.top < 1 ? 3 : 1);
      });
      this.find(".missing").hidden = held;
    }

    paintEvery() {
      this.every.forEach((row, i) => {
        row.querySelector(".equation").textContent =
          equation(this.labels, this.rowOf(i), i, this.precision);
      });
    }

    // ---- all heads at a glance

    buildHeads() {
      const box = this.find(".heads");
      if (!box) return;
      const every = [];
      for (let layer = 0; layer < this.n_layers; layer += 1)
        for (let head = 0; head < this.n_heads; head += 1) every.push([layer, head]);
      const small = this.thumbnails ? bytes(this.thumbnails) : null;
      this.thumbs = every.map(([layer, head], at) => {
        const slot = this.slot.get(`${layer},${head}`);
        const side = slot === undefined ? this.side : this.n;
        const canvas = element("canvas", { width: side, height: side, "aria-hidden": "true" });
        const name = `layer ${this.layers[layer]} head ${this.heads[head]}`;
        const button = element("button", { type: "button", "data-head": `${layer},${head}`,
          "aria-pressed": "false" }, canvas, name);
        if (slot === undefined) {
          button.disabled = true;
          button.title = `${name} is not held by this page`;
          this.paintSteps(canvas, small.subarray(at * side * side, (at + 1) * side * side));
          return button;
        }
        button.addEventListener("click", () => { this.choose(layer, head); this.compute(); });
        const weights = new Float64Array(this.n * this.n);
        addSoftmax(weights, this.scores, slot * this.n * this.n, this.n, 1, 1);
        this.paint(canvas, weights);
        return button;
      });
      box.replaceChildren(...this.thumbs);
    }

    markHead() {
      for (const button of this.thumbs ?? []) {
        const on = !this.mean && button.dataset.head === `${this.layer},${this.head}`;
        button.setAttribute("aria-pressed", on);
      }
    }
  }

  function start() {
    const waiting = document.querySelectorAll(".attn .result:not([data-ready])");
    const seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries)
        if (isIntersecting) { seen.unobserve(target); wake(target); }
    }, { rootMargin: "200px" });
    waiting.forEach((root, i) => (i < 3 ? wake(root) : seen.observe(root)));
    window.addEventListener("beforeprint", () => {
      waiting.forEach(wake);
      for (const part of document.querySelectorAll(".attn details")) part.open = true;
    });
  }

  function wake(root) {
    if (root.dataset.ready) return;
    root.dataset.ready = "yes";
    root.view = new View(root);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
