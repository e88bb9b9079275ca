// The same text as attncli.views.notation: symbols, then numbers; without a formula a list of weights.
const LOWERED = "₀₁₂₃₄₅₆₇₈₉";
const lowered = (text) => [...text].map((digit) => LOWERED[digit] ?? digit).join("");

function equation(words, keys, weights, query, precision, formula) {
  const { coefficients, kept, others } = terms(weights, precision);
  const between = Math.max(words.length, keys.length) > 9 ? "," : "";
  const symbols = kept.map((key) => `w${lowered(`${query + 1}${between}${key + 1}`)}`);
  if (!formula) {
    const listed = symbols.map((symbol, i) => `${symbol} = ${coefficients[i]}`);
    if (others) listed.push(`the other ${others}: ${coefficients[coefficients.length - 1]}`);
    return `${words[query]}: ${listed.join("; ") || "nothing to attend to"}`;
  }
  const left = `e_${formula.names[query]}(${formula.left})`;
  if (!coefficients.length) return `${left} = 0 (nothing to attend to)`;
  const vectors = kept.map((key) => `${formula.values ? "v" : "e"}_${formula.subscripts[key]}`);
  const rest = others ? [`(the other ${others})`] : [];
  const said = [...symbols.map((symbol, i) => `${symbol}·${vectors[i]}`), ...rest];
  const numbers = [...vectors, ...rest].map((vector, i) => `${coefficients[i]}·${vector}`);
  return `${left} = ${said.join(" + ")} = ${numbers.join(" + ")}`;
}
