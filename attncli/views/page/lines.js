// The lines between two columns of words: queries on the left, keys on the right.

const ROW = 26; // height of a word in the two columns, as in page.css
const MOST_SVG = 1600; // lines that are elements of their own; more words are drawn as a picture
const MOST_LINES = 4000;
const MOST_OF_WORD = 40; // lines of the word that is pointed at
const SVG = "http://www.w3.org/2000/svg";

class Lines {
  constructor(box, words, keys, note) {
    [this.n, this.m] = [words.length, keys.length];
    this.note = note;
    this.height = Math.max(this.n, this.m) * ROW;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 100 ${this.height}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.style.height = `${this.height}px`;
    this.all = svg.appendChild(document.createElementNS(SVG, "g"));
    this.some = svg.appendChild(document.createElementNS(SVG, "g"));
    const field = element("div", { class: "field" }, svg);
    if (this.n * this.m > MOST_SVG) {
      this.picture = element("canvas", { width: 400, height: Math.min(this.height, 16000),
        "aria-hidden": "true" });
      field.prepend(this.picture);
    }
    this.from = words.map((word, i) => element("button", { class: "word", type: "button",
      title: word, dir: "auto", "data-query": i, "aria-pressed": "false" }, word));
    this.to = keys.map((word, j) =>
      element("span", { class: "word", title: word, dir: "auto", "data-key": j }, word));
    const list = (name, label, items) => element("ol", { class: name, "aria-label": label },
      ...items.map((item) => element("li", {}, item)));
    box.replaceChildren(list("from", "Words that attend (queries)", this.from), field,
      list("to", "Words attended to (keys)", this.to));
  }

  line(i, j) {
    const weight = this.weights[i * this.m + j];
    const line = document.createElementNS(SVG, "line");
    const ends = { x1: 0, x2: 100, y1: (i + 0.5) * ROW, y2: (j + 0.5) * ROW };
    for (const [name, value] of Object.entries(ends)) line.setAttribute(name, value);
    line.setAttribute("stroke", colorOf(weight / this.top));
    line.setAttribute("stroke-width", this.width(weight).toFixed(2));
    line.dataset.pair = `${i},${j}`;
    return line;
  }

  width(weight) { return 0.6 + (6 * weight) / this.top; }

  // Draws the lines of all words, the strongest last, so that they lie on top.
  paint(weights, top) {
    [this.weights, this.top] = [weights, top];
    let least = 0;
    if (weights.length > MOST_LINES)
      least = Float64Array.from(weights).sort()[weights.length - MOST_LINES];
    const drawn = [];
    let above = 0;
    for (let k = 0; k < weights.length; k += 1) {
      if (weights[k] > 0) above += 1;
      if (weights[k] > 0 && weights[k] >= least) drawn.push(k);
    }
    drawn.sort((a, b) => weights[a] - weights[b]);
    const shown = drawn.slice(-MOST_LINES);
    if (this.picture) this.paintPicture(shown);
    else
      this.all.replaceChildren(
        ...shown.map((k) => this.line(Math.floor(k / this.m), k % this.m)));
    this.note.textContent = shown.length === above ? "" :
      `The ${shown.length} strongest of ${above} lines are drawn; ` +
      `a word that is pointed at shows its ${MOST_OF_WORD} strongest.`;
  }

  paintPicture(shown) {
    const { width, height } = this.picture;
    const context = this.picture.getContext("2d");
    context.clearRect(0, 0, width, height);
    const scale = height / this.height;
    for (const k of shown) {
      const weight = this.weights[k];
      context.strokeStyle = colorOf(weight / this.top);
      context.lineWidth = this.width(weight);
      context.beginPath();
      context.moveTo(0, (Math.floor(k / this.m) + 0.5) * ROW * scale);
      context.lineTo(width, ((k % this.m) + 0.5) * ROW * scale);
      context.stroke();
    }
  }

  // Lights the lines of a query, or those that come to a key.
  light(query, key) {
    this.from.forEach((word, i) => word.classList.toggle("lit", i === query));
    this.to.forEach((word, j) => word.classList.toggle("lit", j === key));
    const pairs = [];
    for (let k = 0; k < (query === null ? this.n : this.m); k += 1) {
      const [i, j] = query === null ? [k, key] : [query, k];
      if (i !== null && j !== null && this.weights[i * this.m + j] > 0) pairs.push([i, j]);
    }
    (this.picture ?? this.all).classList.toggle("dim", pairs.length > 0);
    pairs.sort((a, b) => this.weights[a[0] * this.m + a[1]] - this.weights[b[0] * this.m + b[1]]);
    this.some.replaceChildren(...pairs.slice(-MOST_OF_WORD).map(([i, j]) => this.line(i, j)));
  }
}
