// The network on a canvas: panning, zooming, picking; beside it the strip, all of it in small.
"use strict";

const canvas = document.getElementById("canvas");
const strip = document.getElementById("strip");
const bounds = layOut();
const view = { x: 0, y: 0, scale: 1 };  // world coordinates of the canvas' middle; pixels a unit
const LEAST_SCALE = 0.02;
const MOST_SCALE = 3;
const STRIP_SPACE = 64;
let shades = {};
let isDrawing = false;

const byRow = [...nodes].sort((a, b) => a.y - b.y);
const edgesByTop = [...edges].sort((a, b) => a.from.y - b.from.y);
// The lowest end of the edges up to each: where to begin looking for those that reach a row.
const longestEdge = edges.reduce((most, edge) => Math.max(most, edge.isFar ? 0 : edge.to.y - edge.from.y), 0);
const farEdges = edges.filter((edge) => edge.isFar);

function readShades() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "panel", "line", "text", "quiet", "accent", "edge", "grid", "warn"];
  for (const precision of PRECISIONS) names.push(precision, `${precision}-soft`);
  shades = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** The first of sorted items whose key is not below. */
function firstFrom(items, key, keyOf) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keyOf(items[middle]) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function prepared(target) {
  const ratio = window.devicePixelRatio || 1;
  const width = target.clientWidth;
  const height = target.clientHeight;
  if (target.width !== Math.round(width * ratio) || target.height !== Math.round(height * ratio)) {
    target.width = Math.round(width * ratio);
    target.height = Math.round(height * ratio);
  }
  const context = target.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** `text` cut at the front until it fits: names differ at their ends. */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (context.measureText(`…${text.slice(middle)}`).width <= width) high = middle;
    else low = middle + 1;
  }
  return `…${text.slice(low)}`;
}

/** What a node is, with its shape where there is room for both. */
function subtitle(context, node, width) {
  const kind = node.json.op || node.json.kind;
  const both = `${kind}  ${node.json.type.replace(/^\w+/, "").replaceAll(" ", "")}`;
  return context.measureText(both).width <= width ? both : fitted(context, kind, width);
}

function isDimmed(node) {
  return node !== state.picked && !state.shown.has(node);
}

function drawEdge(context, edge) {
  const half = SIZE.height / 2;
  const { from, to } = edge;
  const isPicked = state.picked === from || state.picked === to;
  context.strokeStyle = isPicked ? shades.accent : edge.stub ? shades.int8 : shades.edge;
  context.lineWidth = Math.max(edge.stub || isPicked ? 2 : 1.2, 0.7 / view.scale);
  context.globalAlpha = isDimmed(from) || isDimmed(to) ? 0.25 : 1;
  context.beginPath();
  context.moveTo(from.x, from.y + half);
  if (edge.isFar) {
    const turn = SIZE.gapY / 2;
    context.lineTo(from.x, from.y + half + turn * 0.6);
    context.lineTo(edge.laneX, from.y + half + turn);
    context.lineTo(edge.laneX, to.y - half - turn);
    context.lineTo(to.x, to.y - half - turn * 0.6);
    context.lineTo(to.x, to.y - half);
  } else {
    let above = { x: from.x, y: from.y + half };
    for (const point of [...edge.points, { x: to.x, y: to.y - half }]) {
      const middle = (above.y + point.y) / 2;
      context.bezierCurveTo(above.x, middle, point.x, middle, point.x, point.y);
      above = point;
    }
  }
  context.stroke();
  if (edge.stub && view.scale > 0.25) drawStub(context, to.x, to.y - half - 9);
  context.globalAlpha = 1;
}

/** Q/DQ on an edge: a pill, with its name where that can be read. */
function drawStub(context, x, y) {
  const isNamed = view.scale > 0.55;
  const width = isNamed ? 32 : 14;
  context.fillStyle = shades.panel;
  context.strokeStyle = shades.int8;
  context.lineWidth = 1.5;
  context.beginPath();
  context.roundRect(x - width / 2, y - 7, width, 14, 7);
  context.fill();
  context.stroke();
  if (!isNamed) return;
  context.fillStyle = shades.int8;
  context.font = "600 8.5px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillText("Q/DQ", x, y + 0.5);
  context.textAlign = "left";
}

function drawNode(context, node) {
  const left = node.x - SIZE.width / 2;
  const top = node.y - SIZE.height / 2;
  const isPort = node.json.kind === "input" || node.json.kind === "output";
  context.globalAlpha = isDimmed(node) ? 0.3 : 1;
  context.fillStyle = view.scale < 0.3 ? shades[node.precision] : shades[`${node.precision}-soft`];
  context.beginPath();
  context.roundRect(left, top, SIZE.width, SIZE.height, isPort ? SIZE.height / 2 : 8);
  context.fill();
  context.strokeStyle = state.picked === node ? shades.accent : shades[node.precision];
  context.lineWidth = state.picked === node ? Math.max(3, 2 / view.scale) : 1.2;
  context.stroke();
  if (view.scale >= 0.3) {
    const loss = lossOf(node, "own_sqnr_db");
    const mark = loss === null ? "" : loss.toFixed(1);
    const room = SIZE.width - 28 - (mark ? 34 : 0);
    context.fillStyle = shades.text;
    context.font = "600 12.5px system-ui, sans-serif";
    context.fillText(fitted(context, node.label, room), left + 14, node.y - 8);
    context.fillStyle = shades.quiet;
    context.font = "11px system-ui, sans-serif";
    context.fillText(subtitle(context, node, SIZE.width - 28), left + 14, node.y + 10);
    if (mark) {
      context.textAlign = "right";
      context.fillStyle = shades[node.precision];
      context.fillText(mark, left + SIZE.width - 12, node.y - 8);
      context.textAlign = "left";
    }
  }
  context.globalAlpha = 1;
}

function draw() {
  isDrawing = false;
  const { context, width, height } = prepared(canvas);
  const top = view.y - height / 2 / view.scale;
  const bottom = view.y + height / 2 / view.scale;
  context.translate(width / 2, height / 2);
  context.scale(view.scale, view.scale);
  context.translate(-view.x, -view.y);
  context.textBaseline = "middle";
  const reach = SIZE.height + SIZE.gapY;
  for (let i = firstFrom(edgesByTop, top - longestEdge - reach, (edge) => edge.from.y); i < edgesByTop.length; ++i) {
    const edge = edgesByTop[i];
    if (edge.from.y > bottom + reach) break;
    if (!edge.isFar && edge.to.y >= top - reach) drawEdge(context, edge);
  }
  for (const edge of farEdges) {
    if (edge.from.y <= bottom + reach && edge.to.y >= top - reach) drawEdge(context, edge);
  }
  for (let i = firstFrom(byRow, top - reach, (node) => node.y); i < byRow.length && byRow[i].y <= bottom + reach; ++i)
    drawNode(context, byRow[i]);
  drawStrip();
}

function drawSoon() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(draw);
}

/** World to pixels of the strip. */
function stripScale() {
  return { x: (strip.clientWidth - 12) / (bounds.right - bounds.left), y: (strip.clientHeight - 12) / (bounds.bottom - bounds.top) };
}

/** Each node in its place. */
function drawStripNodes(context, scale, place) {
  const height = Math.max(1.5, SIZE.height * scale.y);
  const width = Math.max(3, SIZE.width * scale.x);
  for (const node of nodes) {
    const [x, y] = place(node.x - SIZE.width / 2, node.y - SIZE.height / 2);
    context.globalAlpha = isDimmed(node) ? 0.15 : 1;
    context.fillStyle = shades[node.precision];
    context.fillRect(x, y, width, height);
  }
}

/** Where nodes are thinner than a line, the shares of the precisions in each line, of those that are shown. */
function drawStripShares(context, place) {
  const LINE = 2;  // pixels
  const lines = groupBy(nodes.filter((node) => !isDimmed(node)), (node) => Math.floor(place(0, node.y)[1] / LINE));
  const room = strip.clientWidth - 12;
  for (const [line, members] of lines) {
    let left = 6;
    for (const precision of PRECISIONS) {
      const width = (members.filter((node) => node.precision === precision).length / members.length) * room;
      context.fillStyle = shades[precision];
      context.fillRect(left, line * LINE, width, LINE);
      left += width;
    }
  }
}

function drawStrip() {
  const { context } = prepared(strip);
  const scale = stripScale();
  const place = (x, y) => [6 + (x - bounds.left) * scale.x, 6 + (y - bounds.top) * scale.y];
  if (SIZE.height * scale.y < 1) drawStripShares(context, place);
  else drawStripNodes(context, scale, place);
  context.globalAlpha = 1;
  if (state.picked) {
    const [, y] = place(0, state.picked.y);
    context.fillStyle = shades.accent;
    context.fillRect(0, y - 1, strip.clientWidth, 2);
  }
  const [, top] = place(0, view.y - canvas.clientHeight / 2 / view.scale);
  const [, bottom] = place(0, view.y + canvas.clientHeight / 2 / view.scale);
  context.strokeStyle = shades.text;
  context.lineWidth = 1;
  context.strokeRect(2.5, Math.max(2, top), strip.clientWidth - 7, Math.max(4, Math.min(strip.clientHeight - 3, bottom) - Math.max(2, top)));
}

// ---- moving -----------------------------------------------------------------------------------------

function clampView() {
  view.scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, view.scale));
  view.x = Math.min(bounds.right, Math.max(bounds.left, view.x));
  view.y = Math.min(bounds.bottom, Math.max(bounds.top, view.y));
}

function moveBy(x, y) {
  view.x += x / view.scale;
  view.y += y / view.scale;
  clampView();
  drawSoon();
}

/** Zooms around a point of the canvas, in pixels from its middle. */
function zoomBy(factor, x = 0, y = 0) {
  const before = view.scale;
  view.scale = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, view.scale * factor));
  view.x += x / before - x / view.scale;
  view.y += y / before - y / view.scale;
  clampView();
  drawSoon();
}

function showAll() {
  const width = Math.max(1, canvas.clientWidth - 2 * STRIP_SPACE);
  const height = Math.max(1, canvas.clientHeight - 80);
  view.scale = Math.min(1, width / (bounds.right - bounds.left), height / (bounds.bottom - bounds.top));
  view.x = (bounds.left + bounds.right) / 2;
  view.y = (bounds.top + bounds.bottom) / 2;
  clampView();
  drawSoon();
}

/** All of a small network; of a large one the beginning, where its names can be read. */
function showFirst() {
  const READABLE = 0.75;
  showAll();
  if (view.scale >= READABLE || nodes.length === 0) return;
  view.scale = READABLE;
  view.x = byRow[0].x;
  view.y = Math.min(bounds.bottom, bounds.top + (canvas.clientHeight / 2 - 50) / view.scale);
  clampView();
}

function showNode(node) {
  view.scale = Math.max(view.scale, 0.75);
  view.x = node.x;
  view.y = node.y;
  clampView();
  drawSoon();
}

function nodeAt(x, y) {
  const box = canvas.getBoundingClientRect();
  const atX = view.x + (x - box.left - box.width / 2) / view.scale;
  const atY = view.y + (y - box.top - box.height / 2) / view.scale;
  for (let i = firstFrom(byRow, atY - SIZE.height / 2, (node) => node.y); i < byRow.length; ++i) {
    if (byRow[i].y > atY + SIZE.height / 2) return null;
    if (Math.abs(byRow[i].x - atX) <= SIZE.width / 2) return byRow[i];
  }
  return null;
}

function listenToCanvas() {
  const pointers = new Map();
  let moved = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) {
      canvas.title = nodeAt(event.clientX, event.clientY)?.label || "";
      return;
    }
    const [x, y] = [event.clientX - last.x, event.clientY - last.y];
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const before = Math.hypot(last.x - other.x, last.y - other.y);
      if (before > 0) zoomBy(Math.hypot(event.clientX - other.x, event.clientY - other.y) / before);
    }
    moved += Math.abs(x) + Math.abs(y);
    moveBy(-x / pointers.size, -y / pointers.size);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener("pointerup", (event) => {
    pointers.delete(event.pointerId);
    if (moved < 5) pick(nodeAt(event.clientX, event.clientY), { move: false });
  });
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const box = canvas.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
      const lines = event.deltaMode === 1 ? 18 : 1;
      if (event.ctrlKey || event.metaKey) zoomBy(Math.exp(-event.deltaY * lines * 0.004), x, y);
      else moveBy(event.deltaX * lines, event.deltaY * lines);
    },
    { passive: false },
  );
  const jump = (event) => {
    const box = strip.getBoundingClientRect();
    view.y = bounds.top + (event.clientY - box.top - 6) / stripScale().y;
    clampView();
    drawSoon();
  };
  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    jump(event);
  });
  strip.addEventListener("pointermove", (event) => event.buttons && jump(event));
  document.getElementById("zoom-in").addEventListener("click", () => zoomBy(1.4));
  document.getElementById("zoom-out").addEventListener("click", () => zoomBy(1 / 1.4));
  document.getElementById("zoom-fit").addEventListener("click", showAll);
  canvas.addEventListener("keydown", (event) => {
    const step = 80;
    const moves = { ArrowUp: [0, -step], ArrowDown: [0, step], ArrowLeft: [-step, 0], ArrowRight: [step, 0] };
    if (moves[event.key]) moveBy(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") zoomBy(1.4);
    else if (event.key === "-") zoomBy(1 / 1.4);
    else if (event.key === "0") showAll();
    else return;
    event.preventDefault();
  });
}
