// The report as a graph: nodes with their stubs, losses and reasons, found by name.
"use strict";

const report = JSON.parse(document.getElementById("data").textContent);
const PRECISIONS = ["int8", "fp8", "int4", "fp16", "bf16", "fp32", "other"];
const PRECISION_NAMES = { int8: "INT8", fp8: "FP8", int4: "INT4 weights", fp16: "FP16", bf16: "BF16", fp32: "FP32", other: "other" };
const QUANTIZED = ["int8", "fp8", "int4"];
/** What the largest code of an activation stands for, in scales. */
const LARGEST_CODES = { int8: 127, int16: 32767, int4: 7, fp8: 448 };

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const item of items || []) {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}

const stubsByName = new Map((report.stubs || []).map((stub) => [stub.name, stub]));
const lossesByModule = groupBy(report.losses && report.losses.kernels, (loss) => loss.module);
const missingByModule = groupBy(report.missing, (missing) => missing.module);
const weightsByModule = groupBy(report.weights, (weight) => weight.module);
const skippedByNode = groupBy(report.skipped, (match) => match.node);
const innerStubsByModule = groupBy(
  (report.stubs || []).filter((stub) => stub.value),
  (stub) => stub.readers[0].module,
);
const wideRegions = report.fp32_regions || [];

/** What people know a node by: its first layer with a weight, the first part inside, else where it stands in the model, else its name. */
function labelOf(json) {
  const weights = weightsByModule.get(json.module);
  if (json.kind === "kernel" && weights) return weights[0].layer;
  if (json.layers && json.layers.length > 0) return json.layers[0].path;
  return json.module || json.name;
}

const nodes = (report.network || []).map((json, index) => ({
  index,
  json,
  name: json.name,
  label: labelOf(json),
  precision: PRECISIONS.includes(json.precision) ? json.precision : "other",
  losses: (json.module && lossesByModule.get(json.module)) || [],
  inputs: [],
  outputs: [],
  text: [json.name, json.op, json.module, json.scope, json.source, ...(json.layers || []).map((layer) => layer.path)]
    .filter(Boolean)
    .join("\n")
    .toLowerCase(),
}));

// Results may be called as values are: only what gives values is found by name.
const nodesByName = new Map(nodes.filter((node) => node.json.kind !== "output").map((node) => [node.name, node]));
const nodesByModule = new Map(nodes.filter((node) => node.json.module).map((node) => [node.json.module, node]));

const edges = [];
for (const node of nodes) {
  for (const read of node.json.reads) {
    const from = nodesByName.get(read.node);
    if (!from || from === node) continue;
    const stub = read.stub ? stubsByName.get(read.stub) || { name: read.stub } : null;
    const edge = { from, to: node, stub, input: read.input, value: read.value };
    edges.push(edge);
    node.inputs.push(edge);
    from.outputs.push(edge);
  }
}

/** The least dB of a node's results; null where nothing is lost or nothing was measured. */
function lossOf(node, key) {
  const values = node.losses.map((loss) => loss[key]).filter((value) => typeof value === "number");
  return values.length > 0 ? Math.min(...values) : null;
}

const isQuantized = (node) => QUANTIZED.includes(node.precision);
/** What a stub or a weight is quantized to; plans leave INT8 out. */
const codesOf = (planned) => planned.precision || "int8";
/** Where the range of a stub's codes ends. */
const rangeEnd = (stub) => stub.scale * LARGEST_CODES[codesOf(stub)];
/** The precisions that kernels of the network are quantized to: "INT8", or "INT8 and FP8". */
function quantizedNames() {
  const present = QUANTIZED.filter((precision) => nodes.some((node) => node.precision === precision));
  return (present.length > 0 ? present : ["int8"]).map((precision) => PRECISION_NAMES[precision]).join(" and ");
}

/** Why the node, or a part of it, is not quantized: lines, each once. */
function reasonsOf(node) {
  const reasons = new Set();
  const module = node.json.module;
  if (node.json.kind === "kernel") {
    const isWhole = !isQuantized(node);
    for (const { reason, input, value } of missingByModule.get(module) || [])
      reasons.add(isWhole ? reason : `${value || `input ${input}`}: ${reason}`);
    for (const weight of weightsByModule.get(module) || []) {
      if (!weight.quantized) reasons.add(`${weight.layer}: ${weight.reason}`);
    }
  }
  for (const region of wideRegions) {
    if (region.nodes.includes(node.name)) for (const reason of region.reasons) reasons.add(`FP32: ${reason}`);
  }
  for (const match of skippedByNode.get(node.name) || []) reasons.add(`not fused by ${match.pattern}: ${match.reason}`);
  return [...reasons].filter(Boolean);
}

/** Warnings that name the node's value or a layer inside. */
function warningsOf(node) {
  const names = [`%${node.name}`, ...(node.json.layers || []).map((layer) => layer.path)];
  return (report.warnings || []).filter((warning) => {
    const words = new Set(warning.split(/[\s,:;]+/));
    return names.some((name) => words.has(name));
  });
}

function decibels(value) {
  return typeof value === "number" ? `${value.toFixed(1)} dB` : "nothing lost";
}

/** One near 1 is told apart by its nines. */
function cosineText(cosine) {
  let digits = 4;
  while (digits < 9 && 1 - cosine < 0.5 * 10 ** -digits) ++digits;
  return cosine.toFixed(digits);
}

/** dB of a result: there are none where nothing differs, and none where all is lost, which the cosine tells apart. */
function outputLoss(output) {
  return output.sqnr_db === null && output.cosine < 0.5 ? "not finite" : decibels(output.sqnr_db);
}

function percent(share) {
  return share === 0 ? "0 %" : `${Number((share * 100).toPrecision(2))} %`;
}

/** Four digits that count. */
function short(value) {
  return String(Number(Number(value).toPrecision(4)));
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  let value = count;
  for (; value >= 1000 && unit < units.length - 1; ++unit) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(value < 100 ? 1 : 0)} ${units[unit]}`;
}
