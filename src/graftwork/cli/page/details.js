// The panel beside the network: all of it, or one kernel.
"use strict";

const details = document.getElementById("details");

// ---- charts -----------------------------------------------------------------------------------------

const CHART = { width: 360, height: 96, bottom: 80, left: 2 };

/** How often magnitudes occur, in steps of a power of ten, and where the range of codes ends. */
function histogramChart(stub) {
  const counts = report.histograms && report.histograms[stub.name];
  if (!counts || counts.bars.length === 0) return null;
  const end = rangeEnd(stub);
  const reach = Math.max(counts.bars.length * counts.width, end);
  const most = Math.log10(1 + Math.max(...counts.bars));
  const room = CHART.width - 2 * CHART.left;
  const x = (magnitude) => CHART.left + (magnitude / reach) * room;
  const label = `Magnitudes up to ${short(reach)}; the range of codes ends at ${short(end)}`;
  const chart = svg("svg", { viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", "aria-label": label });
  counts.bars.forEach((count, i) => {
    if (count === 0) return;
    const height = Math.max(1.5, (Math.log10(1 + count) / most) * (CHART.bottom - 16));
    const isCut = (i + 0.5) * counts.width > end;
    const begin = x(i * counts.width);
    const bar = svg("rect", {
      class: isCut ? "cut" : "bar", x: begin, y: CHART.bottom - height, height,
      width: Math.max(0.8, x((i + 1) * counts.width) - begin - 0.6),
    });
    bar.append(svg("title", null, `${count.toLocaleString("en")} from ${short(i * counts.width)} to ${short((i + 1) * counts.width)}`));
    chart.append(bar);
  });
  const at = x(end);
  const isRight = at > CHART.width - 90;
  chart.append(
    svg("line", { class: "axis", x1: 0, x2: CHART.width, y1: CHART.bottom, y2: CHART.bottom }),
    svg("line", { class: "end", x1: at, x2: at, y1: 4, y2: CHART.bottom }),
    svg("text", { class: "mark", x: isRight ? at - 4 : at + 4, y: 12, "text-anchor": isRight ? "end" : "start" }, `end ${short(end)}`),
    svg("text", { x: CHART.left, y: CHART.height - 4 }, "0"),
    svg("text", { x: CHART.width - CHART.left, y: CHART.height - 4, "text-anchor": "end" }, `|x| ${short(reach)}`),
  );
  return [chart, el("p", { class: "quiet" }, `bars in steps of powers of ten; ${counts.zeros.toLocaleString("en")} zeros are not drawn`)];
}

/** Scales of output channels, from the smallest to the largest. */
function scalesChart(scales) {
  const most = Math.max(...scales);
  if (scales.length < 2 || !(most > 0)) return null;
  const height = 40;
  const points = scales.map((scale, i) => `${(i / (scales.length - 1)) * CHART.width},${height - (scale / most) * (height - 2)}`);
  const label = `Scales of output channels, from ${short(scales[0])} to ${short(most)}`;
  const area = svg("polygon", { class: "area", points: `0,${height} ${points.join(" ")} ${CHART.width},${height}` });
  return svg("svg", { viewBox: `0 0 ${CHART.width} ${height}`, role: "img", "aria-label": label }, area);
}

function lossMeter(label, value) {
  if (value === undefined) return null;
  const FULL = 60;  // dB: more than INT8 keeps
  const share = typeof value === "number" ? Math.min(1, Math.max(0.02, value / FULL)) : 1;
  return [
    el("div", null, `${label}: `, el("b", null, decibels(value))),
    el("div", { class: "meter" }, el("span", { style: `width:${(share * 100).toFixed(1)}%` })),
  ];
}

// ---- one kernel -------------------------------------------------------------------------------------

function readText(edge) {
  return [`input ${edge.input} reads `, nodeLink(edge.from), edge.value ? ` (${edge.value})` : null];
}

function stubCard(stub, edge) {
  const chart = histogramChart(stub);
  const hasRange = typeof stub.scale === "number";
  const others = (stub.readers || []).length - 1;
  return el(
    "div",
    { class: "card" },
    el("p", null, edge ? readText(edge) : `inside: ${stub.value}`, " ", badge(codesOf(stub))),
    facts([
      ["Q/DQ", stub.name],
      ["scale", hasRange ? String(stub.scale) : null],
      ["range of codes", hasRange ? `±${short(rangeEnd(stub))}` : null],
      ["values seen", hasRange ? `${short(stub.min)} to ${short(stub.max)}` : null],
      ["clipped", hasRange ? percent(stub.clipped) : null],
      ["method", stub.method],
      ["shared with", others > 0 ? `${others} more ${others === 1 ? "reader" : "readers"}` : null],
      ["why", stub.reason],
    ]),
    chart || (hasRange ? el("p", { class: "quiet" }, "no histogram was counted: the method takes the ends of the range alone, or a table gave the scale") : null),
  );
}

function inputCards(node) {
  const cards = node.inputs.map((edge) =>
    edge.stub
      ? stubCard(edge.stub, edge)
      : el("div", { class: "card" }, el("p", null, readText(edge), ", no Q/DQ"), el("p", { class: "quiet" }, edge.from.json.type)),
  );
  for (const stub of innerStubsByModule.get(node.json.module) || []) cards.push(stubCard(stub, null));
  return cards.length > 0 ? [el("h3", null, "Inputs"), cards] : null;
}

function weightText(weight) {
  return PRECISION_NAMES[codesOf(weight)].replace(" weights", "") + (weight.block_size ? ` in blocks of ${weight.block_size}` : "");
}

function layerCards(node) {
  const layers = node.json.layers || [];
  if (layers.length === 0) return null;
  const weights = new Map((weightsByModule.get(node.json.module) || []).map((weight) => [weight.layer, weight]));
  const cards = layers.map((layer) => {
    const weight = weights.get(layer.path);
    const scales = report.weight_scales && report.weight_scales[`${node.json.module} ${layer.path}`];
    return el(
      "div",
      { class: "card" },
      el("p", null, el("b", null, layer.path), " ", weight ? badge(weight.quantized ? codesOf(weight) : "other") : null),
      el("code", null, layer.text),
      weight
        ? facts([
            ["weight", weight.quantized ? weightText(weight) : "floating point"],
            ["why", weight.reason],
            ["scales", scales ? `${scales.channels}, ${short(scales.profile[0])} to ${short(scales.profile[scales.profile.length - 1])}` : null],
          ])
        : null,
      scales ? scalesChart(scales.profile) : null,
    );
  });
  return [el("h3", null, "Layers inside"), cards];
}

function lossPart(node) {
  if (!report.losses) return [el("h3", null, "Losses"), el("p", { class: "quiet" }, "not measured in this run")];
  if (node.losses.length === 0) return null;
  const parts = node.losses.map((loss) => [
    node.losses.length > 1 ? el("p", { class: "quiet" }, loss.value) : null,
    lossMeter("by its own quantization", loss.own_sqnr_db),
    lossMeter("with all before it quantized too", loss.sqnr_db),
  ]);
  return [el("h3", null, "Losses"), parts];
}

function notes(title, lines) {
  return lines.length > 0 ? [el("h3", null, title), lines.map((line) => el("p", { class: "note" }, line))] : null;
}

function showKernel(node) {
  const readers = [...new Set(node.outputs.map((edge) => edge.to))];
  details.replaceChildren(
    el("button", { type: "button", class: "back", onclick: () => pick(null) }, "← all of the network"),
    el("h2", null, node.label),
    el("p", null, badge(node.precision), " ", el("span", { class: "quiet" }, node.json.op || node.json.kind)),
    facts([
      ["value", node.name],
      ["shape", node.json.type],
      ["module", node.json.module],
      ["scope", node.json.scope],
      ["source", node.json.source],
    ]),
    ...[
      notes("Warnings", warningsOf(node)),
      notes(isQuantized(node) ? "What is not quantized, and why" : "Why it is not quantized", reasonsOf(node)),
      lossPart(node),
      inputCards(node),
      layerCards(node),
      movedPartOf(node),
    ]
      .flat(Infinity)
      .filter(Boolean),
    ...(readers.length > 0 ? [el("h3", null, "Read by"), ...readers.map((reader) => el("p", null, nodeLink(reader), " ", badge(reader.precision)))] : []),
  );
  details.scrollTop = 0;
}

// ---- all of it --------------------------------------------------------------------------------------

const kernels = nodes.filter((node) => node.json.kind === "kernel");

function outputsTable() {
  const outputs = (report.losses && report.losses.outputs) || [];
  if (outputs.length === 0) return null;
  const rows = outputs.map((output) =>
    el("tr", null, el("td", null, output.output), el("td", { class: "number" }, outputLoss(output)), el("td", { class: "number" }, cosineText(output.cosine))),
  );
  const head = el("tr", null, el("th", { scope: "col" }, "result"), el("th", { scope: "col", class: "number" }, "SQNR"), el("th", { scope: "col", class: "number" }, "cosine"));
  return [el("h3", null, `How good it is, on ${report.losses.samples} ${report.losses.samples === 1 ? "sample" : "samples"}`), el("table", null, el("thead", null, head), el("tbody", null, rows))];
}

function worstTable() {
  const SHOWN = 5;
  const worst = nodes.filter((node) => lossOf(node, "own_sqnr_db") !== null).sort((a, b) => lossOf(a, "own_sqnr_db") - lossOf(b, "own_sqnr_db")).slice(0, SHOWN);
  if (worst.length === 0) return null;
  const rows = worst.map((node) =>
    el("tr", null, el("td", null, nodeLink(node)), el("td", { class: "number" }, decibels(lossOf(node, "own_sqnr_db"))), el("td", { class: "number" }, decibels(lossOf(node, "sqnr_db")))),
  );
  const head = el("tr", null, el("th", { scope: "col" }, "loses most"), el("th", { scope: "col", class: "number" }, "by itself"), el("th", { scope: "col", class: "number" }, "so far"));
  return [el("h3", null, "Where it is lost"), el("table", { id: "worst" }, el("thead", null, head), el("tbody", null, rows))];
}

function countsPart() {
  const counts = groupBy(kernels, (node) => node.precision);
  const split = PRECISIONS.filter((precision) => counts.has(precision)).map((precision) =>
    el("span", { class: precision, style: `flex:${counts.get(precision).length}`, title: `${PRECISION_NAMES[precision]}: ${counts.get(precision).length}` }),
  );
  const kinds = [...groupBy(kernels, (node) => node.json.op)].sort((a, b) => b[1].length - a[1].length);
  const rows = kinds.map(([kind, members]) =>
    el("tr", null, el("td", null, kind), el("td", { class: "number" }, `${members.filter(isQuantized).length} of ${members.length}`)),
  );
  const head = el("tr", null, el("th", { scope: "col" }, "kernel"), el("th", { scope: "col", class: "number" }, `in ${quantizedNames()}`));
  return [el("h3", null, "Kernels"), split.length > 0 ? el("div", { class: "split", "aria-hidden": "true" }, split) : null, el("table", null, el("thead", null, head), el("tbody", null, rows))];
}

/** Kernels that are not quantized, by the first reason of each. */
function floatPart() {
  const groups = groupBy(kernels.filter((node) => !isQuantized(node)), (node) => reasonsOf(node)[0] || "no reason is given");
  if (groups.size === 0) return null;
  const parts = [...groups].sort((a, b) => b[1].length - a[1].length).map(([reason, members]) =>
    el("details", { class: "card" }, el("summary", null, `${members.length} × ${reason}`), el("ul", null, members.map((node) => el("li", null, nodeLink(node))))),
  );
  return [el("h3", null, "Kernels in floating point, and why"), parts];
}

function calibrationPart() {
  const made = report.calibration || {};
  const clipped = (report.stubs || []).filter((stub) => stub.clipped > 0);
  const most = clipped.reduce((a, b) => (a && a.clipped >= b.clipped ? a : b), null);
  return [
    el("h3", null, "Calibration"),
    facts([
      ["samples", made.samples],
      ["activations", made.method],
      ["weights", made.weight_method],
      ["corrected biases", made.corrected_biases],
      ["clipped", most ? `in ${clipped.length} of ${report.stubs.length} tensors, at most ${percent(most.clipped)} (${most.tensor})` : "nothing"],
      ...(made.data || []).map((fact, i) => [i === 0 ? "data" : "", fact]),
    ]),
  ];
}

function showOverview() {
  const exported = report.export || {};
  details.replaceChildren(
    ...[
      el("h2", null, "All of the network"),
      notes("Warnings", report.warnings || []),
      outputsTable(),
      worstTable(),
      countsPart(),
      floatPart(),
      calibrationPart(),
      inputsPart(),
      movedParts(),
      el("h3", null, "File"),
      facts([
        ["size", exported.bytes ? bytes(exported.bytes) : null],
        ["opset", exported.opset],
        [`around ${quantizedNames()}`, exported.float ? exported.float.toUpperCase() : null],
        ["made by", report.version ? `Graftwork ${report.version}` : null],
      ]),
    ]
      .flat(Infinity)
      .filter(Boolean),
  );
  details.scrollTop = 0;
}
