// Numbers of a page: colors, softmax, equations. Joined with the other scripts into one.

const COLORS = "__COLORS__";
const STEPS = COLORS.length / 6;
const PARTS = COLORS.match(/../g).map((part) => parseInt(part, 16)); // red, green, blue, red …
const MOST_TERMS = 8; // of an equation

// The color of a weight on the scale 0 … 1, as attncli.views.palette chooses it.
function step(weight) {
  const exact = weight * (STEPS - 1);
  const up = Math.floor(exact + 0.5);
  const even = up - exact === 0.5 && up % 2 ? up - 1 : up; // halves to even
  return Math.min(Math.max(even, 0), STEPS - 1);
}

const colorOf = (weight) => "#" + COLORS.slice(6 * step(weight), 6 * step(weight) + 6);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const bytes = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
const floats = (base64) => new Float32Array(bytes(base64).buffer);

const rising = (labels) => labels.every((label, i) => Number(label) === Number(labels[0]) + i);

// Labels of layers or heads in words, as attncli.insight.names.ranges says them.
const ranges = (labels) => (labels.length > 2 && rising(labels)
  ? `${labels[0]}–${labels[labels.length - 1]}` : labels.join(", "));

// Where a slider stands among the layers or heads that there are.
function placed(labels, at) {
  if (rising(labels)) return `${labels[at]} (of ${labels.length}, from ${labels[0]})`;
  return labels.length > 12 ? `${labels[at]} (${at + 1} of ${labels.length})`
    : `${labels[at]} (of ${labels.join(", ")})`;
}

// Adds share · softmax(scores · factor) of each row of a slot to weights; a row of −∞ only stays
// zeros. Rows that do not sum to 1 keep what they sum to.
function addSoftmax(weights, scores, slot, n, m, factor, share, sums) {
  const start = slot * n * m;
  const powers = new Float64Array(m);
  for (let i = 0; i < n; i += 1) {
    const row = start + i * m;
    let peak = -Infinity;
    for (let j = 0; j < m; j += 1) if (scores[row + j] > peak) peak = scores[row + j];
    if (peak === -Infinity) continue;
    const of = sums ? share * sums[slot * n + i] : share;
    let total = 0;
    for (let j = 0; j < m; j += 1) total += powers[j] = Math.exp((scores[row + j] - peak) * factor);
    for (let j = 0; j < m; j += 1) weights[i * m + j] += (of * powers[j]) / total;
  }
}

// A number of fixed digits as Python prints it: halves, which only multiples of 2^−(digits + 1)
// can be, to even; toFixed takes the larger.
function fixed(value, digits) {
  const units = value * 10 ** digits;
  const half = Number.isInteger(value * 2 ** (digits + 1)) && units - Math.floor(units) === 0.5;
  return half ? ((Math.floor(units) + (Math.floor(units) % 2)) / 10 ** digits).toFixed(digits)
    : value.toFixed(digits);
}

// A number on the scale from 0 to top: three digits of the largest count, one where that is 1.
function onScale(value, top) {
  if (top < 0.001) return value ? value.toExponential(1) : "0";
  return fixed(value, top < 1 ? 2 - Math.floor(Math.log10(top)) : 1);
}

// The coefficients of a row's terms, as attncli.views.equations.terms chooses them.
function terms(row, digits) {
  let kept = row.map((_, key) => key);
  if (kept.length > MOST_TERMS)
    kept = kept.sort((a, b) => row[b] - row[a] || a - b).slice(0, MOST_TERMS - 1)
      .sort((a, b) => a - b);
  const shown = kept.map((key) => row[key]);
  const others = row.length - kept.length;
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  if (others) shown.push(Math.max(sum(row) - sum(shown), 0));
  if (Math.round(sum(shown) * 10 ** digits) === 0) return { coefficients: [], kept: [], others: 0 };
  return { coefficients: shown.map((weight) => fixed(weight, digits)), kept, others };
}

