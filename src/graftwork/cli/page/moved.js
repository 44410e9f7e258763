// What the data look like beside what the network was trained with, and what was moved between channels before codes were chosen.
"use strict";

const nodesByLayer = new Map(nodes.flatMap((node) => (node.json.layers || []).map((layer) => [layer.path, node])));

/** A layer by its path, or a value by its name, with the way to the kernel where there is one. */
function placeLink(name) {
  const node = nodesByLayer.get(name) || nodesByName.get(name) || nodesByModule.get(name);
  return node ? nodeLink(node, name) : name;
}

function placeLinks(names) {
  return names.flatMap((name, i) => (i > 0 ? [", ", placeLink(name)] : [placeLink(name)]));
}

// ---- inputs -----------------------------------------------------------------------------------------

function expectationText(expected) {
  const as = expected.is_mismatch ? "not scaled as in training" : "as in training";
  return `${as}: the mean is ${short(expected.shift)} deviations away, the variance ${short(expected.variance_ratio)} times that`;
}

function inputCard(input) {
  const expected = input.expected;
  const numbers = (values) => values.map(short).join(", ");
  return el(
    "div",
    { class: "card input" },
    el("p", null, el("b", null, placeLink(input.input))),
    facts([
      ["values", `${short(input.min)} to ${short(input.max)}`],
      ["mean", numbers(input.mean)],
      ["deviation", numbers(input.std)],
      ["beside", expected ? `what ${expected.batch_norm} behind ${expected.layer} was trained with` : null],
      ["there", expected && !expected.is_mismatch ? expectationText(expected) : null],
    ]),
    expected && expected.is_mismatch ? el("p", { class: "note" }, [expectationText(expected), expected.explanation].filter(Boolean).join("; ")) : null,
  );
}

function inputsPart() {
  const inputs = report.inputs || [];
  return inputs.length > 0 ? [el("h3", null, "What the inputs look like"), inputs.map(inputCard)] : null;
}

// ---- channels ---------------------------------------------------------------------------------------

/** How strongly a pair was smoothed; nothing where one form does for all. */
function strengthText(pair) {
  if (typeof pair.alpha === "number") return `, α ${short(pair.alpha)}`;
  return typeof pair.limit === "number" ? `, limit ${short(pair.limit)}` : "";
}

const factorsText = (pair) => `${short(pair.smallest_factor)} to ${short(pair.largest_factor)}${strengthText(pair)}`;

function pairsPart(title, id, pairs) {
  if (!pairs || pairs.length === 0) return null;
  const moved = pairs.filter((pair) => !pair.refused);
  const rows = moved.map((pair) =>
    el("tr", null, el("td", null, placeLink(pair.source)), el("td", null, placeLinks(pair.readers)), el("td", { class: "number" }, factorsText(pair))),
  );
  const head = el("tr", null, el("th", { scope: "col" }, "from"), el("th", { scope: "col" }, "into"), el("th", { scope: "col", class: "number" }, "factors"));
  const refused = [...groupBy(pairs.filter((pair) => pair.refused), (pair) => pair.refused)].map(([reason, members]) =>
    el("details", { class: "card" }, el("summary", null, `${members.length} × ${reason}`), el("ul", null, members.map((pair) => el("li", null, placeLink(pair.source))))),
  );
  return [
    el("h3", null, `${title}: ${moved.length} of ${pairs.length} pairs`),
    rows.length > 0 ? el("table", { id }, el("thead", null, head), el("tbody", null, rows)) : null,
    refused,
  ];
}

/** A table of scales says what is divided, and not what that wins. */
const gainText = (divided) => (typeof divided.gained_db === "number" ? decibels(divided.gained_db) : "as the scale table has it");

function outliersPart() {
  const divided = report.outlier_channels || [];
  if (divided.length === 0) return null;
  const rows = divided.map((one) =>
    el(
      "tr",
      null,
      el("td", null, placeLink(one.tensor), el("div", { class: "quiet" }, one.source ? ["in ", placeLink(one.source)] : "by an operator of its own")),
      el("td", { class: "number" }, `up to ${short(one.largest_factor)}`),
      el("td", { class: "number" }, gainText(one)),
    ),
  );
  const head = el("tr", null, el("th", { scope: "col" }, "tensor"), el("th", { scope: "col", class: "number" }, "divided by"), el("th", { scope: "col", class: "number" }, "products win"));
  return [el("h3", null, "Outlier channels"), el("table", { id: "outliers" }, el("thead", null, head), el("tbody", null, rows))];
}

/** All of the network. */
function movedParts() {
  return [
    pairsPart("SmoothQuant", "smoothing", report.smoothing),
    pairsPart("Equalized layers", "equalization", report.equalization),
    outliersPart(),
  ];
}

/** What of it concerns one kernel. */
function movedPartOf(node) {
  const layers = new Set((node.json.layers || []).map((layer) => layer.path));
  const concerns = (moved) => layers.has(moved.source) || moved.readers.some((reader) => layers.has(reader));
  const lines = [];
  for (const [what, pairs] of [["SmoothQuant", report.smoothing], ["equalized", report.equalization]]) {
    for (const pair of (pairs || []).filter(concerns))
      lines.push([`${what}: `, placeLink(pair.source), " → ", placeLinks(pair.readers), pair.refused ? `: ${pair.refused}` : `, factors ${factorsText(pair)}`]);
  }
  for (const one of (report.outlier_channels || []).filter((divided) => concerns(divided) || divided.tensor === node.name))
    lines.push(["outlier channels of ", placeLink(one.tensor), ` are divided by up to ${short(one.largest_factor)}`]);
  return lines.length > 0 ? [el("h3", null, "Moved between channels"), lines.map((line) => el("p", null, line))] : null;
}
