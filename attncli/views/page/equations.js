// The same text as attncli.views.equations; without a formula a list of weights.
function equation(words, keys, weights, query, precision, formula) {
  const { coefficients, kept, others } = terms(weights, precision);
  const names = kept.map((key) => (formula?.values ? `v(${keys[key]})` : keys[key]));
  if (others) names.push(formula ? `(the other ${others})` : `the other ${others}`);
  const said = coefficients.map((number, i) => number + (formula ? "·" : " ") + names[i]);
  if (!formula) return `${words[query]}: ${said.join("; ") || "nothing to attend to"}`;
  const left = `${words[query]}(${formula.left})`;
  return said.length ? `${left} = ${said.join(" + ")}` : `${left} = 0 (nothing to attend to)`;
}
