// One result of a page, brought to life: hover, keyboard, sliders.

class View {
  constructor(root) {
    this.root = root;
    const source = root.querySelector("script[type='application/json']");
    Object.assign(this, JSON.parse(source.textContent));
    this.keys ??= this.words; // the words of the columns, in cross-attention those of another text
    this.key_labels ??= this.labels;
    [this.n, this.m] = [this.words.length, this.keys.length];
    this.scores = floats(this.scores);
    if (this.sums) this.sums = floats(this.sums);
    this.slot = new Map(this.held.map(([layer, head], i) => [`${layer},${head}`, i]));
    [this.layer, this.head] = this.start;
    this.now = this.temperature;
    this.startOptions();
    this.top = 1; // the weight at the upper end of the colors
    this.pinned = false;
    this.weights = new Float64Array(this.n * this.m);
    this.build();
    this.compute();
  }

  find(selector) { return this.root.querySelector(selector); }

  // What the page was written with, whatever a browser remembers of its boxes.
  startOptions() {
    this.mean = this.find("[name=mean]")?.defaultChecked ?? false;
    this.stretch = this.find("[name=stretch]").defaultChecked;
  }

  build() {
    this.buildMatrix();
    this.lines = new Lines(this.find(".lines"), this.words, this.keys, this.find(".lines-note"));
    this.lines.from.forEach((word, i) => {
      word.addEventListener("pointerenter", () => this.point(i));
      word.addEventListener("focus", () => this.point(i));
      word.addEventListener("click", () => this.toggle(i));
    });
    this.lines.to.forEach((word, j) =>
      word.addEventListener("pointerenter", () => this.point(null, j)));
    this.rove(this.lines.from);
    this.buildControls();
    this.buildHeads();
    this.buildMap();
    this.panel = this.find(".word-panel");
    this.every = [...this.root.querySelectorAll(".every tbody tr")];
    this.every.forEach((row, i) => row.addEventListener("pointerenter", () => this.point(i)));
    this.find("details.words")?.addEventListener("toggle", () => this.paintEvery());
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
    const size = Math.max(1, Math.min(14, Math.floor(720 / Math.max(this.n, this.m))));
    this.size = size;
    const canvas = board.querySelector("canvas");
    [canvas.width, canvas.height] = [this.m, this.n];
    canvas.style.width = `${this.m * size}px`;
    canvas.style.height = `${this.n * size}px`;
    this.canvas = canvas;
    this.band = element("div", { class: "band", hidden: "" });
    this.post = element("div", { class: "post", hidden: "" });
    this.band.style.height = this.post.style.width = `${size}px`;
    board.append(this.band, this.post);
    const at = (event, act) => {
      const i = Math.floor(event.offsetY / size);
      const j = Math.floor(event.offsetX / size);
      if (i >= 0 && j >= 0 && i < this.n && j < this.m) act(i, j);
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
      for (let j = 0; j < this.m; j += 1) {
        const weight = this.weights[i * this.m + j];
        const cell = this.cells[i][j];
        cell.classList.replace(cell.dataset.step, `w${step(weight / this.top)}`);
        cell.dataset.step = `w${step(weight / this.top)}`;
        cell.dataset.weight = weight.toPrecision(9);
        cell.title = `${this.words[i]} → ${this.keys[j]}: ${weight.toFixed(7)}`;
        cell.textContent = fixed(weight, this.precision);
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
    this.lines.from.forEach((word, i) =>
      word.setAttribute("aria-pressed", on && i === this.query));
  }

  light(query, key = null) {
    if (query === this.query && key === this.key) return;
    const moved = query !== this.query;
    [this.query, this.key] = [query, key];
    if (this.cells) this.lightTable();
    else this.lightBoard();
    this.lines.light(query, key);
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

  readOut() {
    const box = this.find(".readout");
    if (!box) return;
    if (this.query === null || this.key === null) box.textContent = "";
    else {
      const weight = this.weights[this.query * this.m + this.key];
      box.textContent = `${this.words[this.query]} → ${this.keys[this.key]}: ${weight.toFixed(6)}`;
    }
  }

  // ---- the word that is pointed at

  rowOf(query) {
    return [...this.weights.subarray(query * this.m, (query + 1) * this.m)];
  }

  // The mean of heads weighs no vectors: its rows are no equations.
  equation(row, i) {
    return equation(this.labels, this.key_labels, row, i, this.precision, this.mean ? null : this.formula);
  }

  showWord() {
    const i = this.query;
    const row = this.rowOf(i);
    this.panel.classList.remove("idle");
    const heading = element("h3", {}, `${this.words[i]} `,
      element("span", { class: "note" }, `word ${i + 1} of ${this.n}`));
    const live = element("p", { class: "equation", "aria-live": "polite" },
      this.equation(row, i));
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
      element("th", { scope: "row" }, this.keys[j]),
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
      this.startOptions();
      this.compute();
    });
  }

  choose(layer, head) {
    [this.layer, this.head] = [layer, head];
    this.mean = false;
  }

  compute() {
    const chosen = this.mean ? this.held.filter(([layer]) => layer === this.layer)
      : [[this.layer, this.head]];
    const whole = !this.mean || chosen.length === this.n_heads; // of some heads it is no mean of all
    const slots = (whole ? chosen : []).map((pair) => this.slot.get(String(pair))).filter((at) => at !== undefined);
    this.weights.fill(0);
    for (const slot of slots)
      addSoftmax(this.weights, this.scores, slot, this.n, this.m, this.temperature / this.now,
        1 / slots.length, this.sums);
    const most = this.weights.reduce((top, weight) => Math.max(top, weight), 0);
    this.top = this.stretch && most > 0 ? most : 1;
    this.sayState(slots.length > 0);
    this.paintMatrix();
    this.lines.paint(this.weights, this.top);
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
    set("layer", this.layer, placed(this.layers, this.layer));
    set("head", this.head, this.mean ? `mean of ${this.meant()}` : placed(this.heads, this.head));
    const caption = this.find(".every caption");
    if (this.name()) caption.textContent =
      caption.textContent.replace(/\([^()]*\)\.$/, () => `(${this.name()}).`);
    if (this.inputs.mean) this.inputs.mean.checked = this.mean;
    this.inputs.stretch.checked = this.stretch;
    this.root.querySelectorAll(".legend li").forEach((item, k) => {
      item.textContent = onScale((this.top * k) / 10, this.top);
      item.hidden = this.top < 1 && k % 2 === 1; // longer numbers need the room of two
    });
    this.find(".missing").hidden = held;
  }

  // ---- what the matrix that shows is called, as the other views call it

  name() {
    const parts = [];
    if (this.n_layers > 1) parts.push(this.layer_names[this.layer]);
    if (this.mean) parts.push(`mean of heads ${this.meant()}`);
    else if (this.n_heads > 1) parts.push(this.head_names[this.head]);
    return parts.join(", ");
  }

  meant() {
    return ranges(this.held.filter(([layer]) => layer === this.layer)
      .map(([, head]) => this.heads[head]));
  }

  // The equations of many words are folded away, and written when they are unfolded.
  paintEvery() {
    const fold = this.find("details.words");
    if (fold && !fold.open) return;
    this.every.forEach((row, i) => {
      row.querySelector(".equation").textContent =
        this.equation(this.rowOf(i), i);
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
      const [height, width] = slot === undefined ? this.sides : [this.n, this.m];
      const canvas = element("canvas", { width, height, "aria-hidden": "true" });
      const name = `${this.layer_names[layer]} ${this.head_names[head]}`;
      const button = element("button", { type: "button", "data-head": `${layer},${head}`,
        "aria-pressed": "false" }, canvas, name);
      if (slot === undefined) {
        button.disabled = true;
        button.title = `${name} is not held by this page`;
        this.paintSteps(canvas, small.subarray(at * width * height, (at + 1) * width * height));
        return button;
      }
      button.addEventListener("click", () => { this.choose(layer, head); this.compute(); });
      const weights = new Float64Array(this.n * this.m);
      addSoftmax(weights, this.scores, slot, this.n, this.m, 1, 1, this.sums);
      this.paint(canvas, weights);
      return button;
    });
    const columns = Math.min(this.n_heads, 16);
    if (this.n_layers > 1) box.style.gridTemplateColumns = `repeat(${columns}, minmax(3.4rem, 1fr))`;
    box.replaceChildren(...this.thumbs);
  }

  // ---- the map: a button a head, which shows that head; arrow keys move between them

  buildMap() {
    const table = this.find(".head-map");
    if (!table) return;
    this.mapRows = [...table.tBodies[0].rows].map((row, layer) =>
      [...row.cells].slice(1).map((cell, head) => {
        const button = element("button", { type: "button", tabindex: "-1",
          "data-place": `${layer},${head}`, "aria-pressed": "false" }, cell.textContent.trim());
        if (this.slot.has(`${layer},${head}`))
          button.addEventListener("click", () => { this.choose(layer, head); this.compute(); });
        else button.setAttribute("aria-disabled", "true");
        button.addEventListener("focus", () => this.roveMap(layer, head));
        cell.replaceChildren(button);
        return button;
      }));
    this.mapButtons = this.mapRows.flat();
    table.addEventListener("keydown", (event) => this.moveInMap(event));
    this.measures = this.find("[name=measure]");
    this.measures.value = this.measures.querySelector("[selected]").value;
    this.measures.addEventListener("change", () => this.paintMap());
    this.roveMap(0, 0);
    this.paintMap();
  }

  roveMap(layer, head) {
    for (const button of this.mapButtons) button.tabIndex = -1;
    this.mapRows[layer][head].tabIndex = 0;
  }

  moveInMap(event) {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1],
      ArrowRight: [0, 1] }[event.key] ?? [];
    if (down === undefined) return;
    const [layer, head] = event.target.dataset.place.split(",").map(Number);
    const next = this.mapRows[layer + down]?.[head + right];
    if (next) next.focus();
    event.preventDefault();
  }

  paintMap() {
    const shown = this.map[this.measures.value];
    this.mapButtons.forEach((button, at) => {
      const [layer, head] = button.dataset.place.split(",").map(Number);
      const name = `${this.layer_names[layer]}, ${this.head_names[head]}`;
      button.parentElement.className = `w${shown.steps[at]}`;
      button.textContent = shown.texts[at];
      button.title = this.slot.has(button.dataset.place) ? name : `${name} is not held by this page`;
      button.setAttribute("aria-label", `${name}: ${shown.texts[at]}`);
    });
    this.find(".map-title").textContent = shown.title;
    this.find(".map-legend").textContent = shown.legend;
  }

  markHead() {
    for (const button of [...(this.thumbs ?? []), ...(this.mapButtons ?? [])]) {
      const place = button.dataset.head ?? button.dataset.place;
      const on = !this.mean && place === `${this.layer},${this.head}`;
      button.setAttribute("aria-pressed", on);
    }
  }
}

// The results of this page, or of this output of a notebook; others have a script of their own.
function start() {
  const waiting = document.querySelectorAll("__WITHIN__ .result:not([data-ready])");
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries)
      if (isIntersecting) { seen.unobserve(target); wake(target); }
  }, { rootMargin: "200px" });
  waiting.forEach((root, i) => (i < 3 ? wake(root) : seen.observe(root)));
  window.addEventListener("beforeprint", () => {
    waiting.forEach(wake);
    for (const part of document.querySelectorAll("__WITHIN__ details")) part.open = true;
  });
}

function wake(root) {
  if (root.dataset.ready) return;
  root.dataset.ready = "yes";
  root.view = new View(root);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
