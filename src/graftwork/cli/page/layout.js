// Where nodes stand: in layers, each below all that it reads, with few crossings and straight runs.
//
// Layers by longest path; edges that pass layers do so through points of their own, which take part in ordering and
// placing (Sugiyama, Tagawa and Toda 1981). Ordering by means of the neighbours' places; placing, layer by layer, is the
// least squared distance to the neighbours' mean under the order, which pooling adjacent violators finds exactly. Edges
// that pass more than FAR layers run in lanes beside the network instead: points for them would be most of the work.
// All of it is linear in nodes and points, but for sorting within layers.
"use strict";

const SIZE = { width: 232, height: 46, gapX: 26, gapY: 40, point: 18, lane: 14 };
const FAR = 14;
const ORDER_SWEEPS = 8;
const PLACE_SWEEPS = 10;

function ranksOf() {
  const ranks = new Int32Array(nodes.length);
  for (const edge of edges) ranks[edge.to.index] = Math.max(ranks[edge.to.index], ranks[edge.from.index] + 1);
  // Inputs, and what is made of no input, stand just above their first readers.
  const hangs = new Set();
  for (const node of nodes) {
    if (node.json.kind !== "input" && node.inputs.every((edge) => hangs.has(edge.from))) hangs.add(node);
  }
  for (const node of [...nodes].reverse()) {
    if (node.outputs.length === 0 || !(hangs.has(node) || node.json.kind === "input")) continue;
    ranks[node.index] = Math.min(...node.outputs.map((edge) => ranks[edge.to.index])) - 1;
  }
  return ranks;
}

/** Points of the layout: nodes first, then those that edges pass through. */
function pointsOf(ranks) {
  const points = nodes.map((node) => ({ rank: ranks[node.index], size: SIZE.width, up: [], down: [], x: 0 }));
  for (const edge of edges) {
    const first = ranks[edge.from.index];
    const last = ranks[edge.to.index];
    edge.isFar = last - first > FAR;
    edge.points = [];
    if (edge.isFar) continue;
    let above = points[edge.from.index];
    for (let rank = first + 1; rank <= last; ++rank) {
      const isEnd = rank === last;
      const point = isEnd ? points[edge.to.index] : { rank, size: SIZE.point, up: [], down: [], x: 0 };
      if (!isEnd) {
        points.push(point);
        edge.points.push(point);
      }
      above.down.push(point);
      point.up.push(above);
      above = point;
    }
  }
  return points;
}

function mean(points, of, weightOf = () => 1) {
  let sum = 0;
  let weight = 0;
  for (const point of points) {
    sum += of(point) * weightOf(point);
    weight += weightOf(point);
  }
  return sum / weight;
}

/** Long edges are kept straight before all else: what they pass through, and what they lead to. */
function pull(point) {
  const STRAIGHT = 8;
  return point.size === SIZE.point ? STRAIGHT : 1;
}

function orderLayers(layers) {
  const number = (layer) => layer.forEach((point, at) => (point.at = at));
  layers.forEach(number);
  for (let sweep = 0; sweep < ORDER_SWEEPS; ++sweep) {
    const side = sweep % 2 === 0 ? "up" : "down";
    const sequence = side === "up" ? layers : [...layers].reverse();
    for (const layer of sequence) {
      if (layer.length < 2) continue;
      for (const point of layer) point.key = point[side].length > 0 ? mean(point[side], (other) => other.at) : point.at;
      layer.sort((a, b) => a.key - b.key || a.at - b.at);
      number(layer);
    }
  }
}

/** The least squares of x − wanted, weighted, where neighbours keep their distance. */
function placeLayer(layer) {
  const blocks = [];
  let offset = 0;
  for (let i = 0; i < layer.length; ++i) {
    const point = layer[i];
    if (i > 0) offset += (layer[i - 1].size + point.size) / 2 + SIZE.gapX;
    point.offset = offset;
    let block = { from: i, weight: point.weight, sum: point.weight * (point.wanted - offset) };
    while (blocks.length > 0 && blocks[blocks.length - 1].sum / blocks[blocks.length - 1].weight >= block.sum / block.weight) {
      const before = blocks.pop();
      block = { from: before.from, weight: before.weight + block.weight, sum: before.sum + block.sum };
    }
    blocks.push(block);
  }
  blocks.forEach((block, at) => {
    const end = at + 1 < blocks.length ? blocks[at + 1].from : layer.length;
    for (let i = block.from; i < end; ++i) layer[i].x = block.sum / block.weight + layer[i].offset;
  });
}

function placeLayers(layers) {
  for (const layer of layers) {
    for (const point of layer) {
      point.wanted = point.x;
      point.weight = 1;
    }
    placeLayer(layer);
  }
  for (let sweep = 0; sweep < PLACE_SWEEPS; ++sweep) {
    const isLast = sweep === PLACE_SWEEPS - 1;
    const sides = isLast ? ["up", "down"] : [sweep % 2 === 0 ? "up" : "down"];
    const sequence = sweep % 2 === 0 ? layers : [...layers].reverse();
    for (const layer of sequence) {
      for (const point of layer) {
        const near = sides.flatMap((side) => point[side]);
        point.wanted = near.length > 0 ? mean(near, (other) => other.x, pull) : point.x;
        point.weight = pull(point);
      }
      placeLayer(layer);
    }
  }
}

/** Far edges run beside the network, those of one value in one lane; lanes of values that share layers differ. */
function laneOut(ranks, widest) {
  const bundles = [...groupBy(edges.filter((edge) => edge.isFar), (edge) => edge.from)].map(([from, far]) => ({
    far,
    begin: ranks[from.index],
    end: Math.max(...far.map((edge) => ranks[edge.to.index])),
  }));
  bundles.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const ends = [];  // of the last bundle in each lane
  for (const bundle of bundles) {
    let lane = ends.findIndex((end) => end <= bundle.begin);
    if (lane < 0) lane = ends.length;
    ends[lane] = bundle.end;
    for (const edge of bundle.far) edge.laneX = widest + SIZE.gapX + lane * SIZE.lane;
  }
  return ends.length > 0 ? widest + SIZE.gapX + ends.length * SIZE.lane : widest;
}

/** Sets x, y (middles) of nodes and the points of edges; returns the bounds of it all. */
function layOut() {
  const ranks = ranksOf();
  const points = pointsOf(ranks);
  const layers = [];
  for (const point of points) {
    while (layers.length <= point.rank) layers.push([]);
    layers[point.rank].push(point);
  }
  orderLayers(layers);
  placeLayers(layers);
  const rowHeight = SIZE.height + SIZE.gapY;
  for (const point of points) point.y = point.rank * rowHeight;
  nodes.forEach((node, i) => {
    node.x = points[i].x;
    node.y = points[i].y;
  });
  let left = 0;
  let widest = SIZE.width / 2;
  for (const layer of layers) {
    if (layer.length === 0) continue;
    const last = layer[layer.length - 1];
    left = Math.min(left, layer[0].x - layer[0].size / 2);
    widest = Math.max(widest, last.x + last.size / 2);
  }
  const right = laneOut(ranks, widest);
  const bottom = Math.max(0, layers.length - 1) * rowHeight + SIZE.height / 2;
  return { left, right, top: -SIZE.height / 2, bottom };
}
