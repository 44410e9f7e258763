// What is picked, searched and shown; list, canvas and panel follow it.
"use strict";

const state = { picked: null, words: [], precisions: new Set(PRECISIONS), order: "network", listed: [], shown: new Set(nodes) };
const ROW = 44;
const list = document.getElementById("list");
const rows = document.getElementById("rows");

/** Shows a node everywhere; null: none. */
function pick(node, { move = true } = {}) {
  state.picked = node;
  if (node) showKernel(node);
  else showOverview();
  if (node && move) showNode(node);
  if (node) revealRow(state.listed.indexOf(node));
  drawRows();
  drawSoon();
}

// ---- list -------------------------------------------------------------------------------------------

function sortKey(node) {
  const loss = lossOf(node, state.order === "own" ? "own_sqnr_db" : "sqnr_db");
  return loss === null ? Infinity : loss;
}

function find() {
  const fits = (node) => state.precisions.has(node.precision) && state.words.every((word) => node.text.includes(word));
  state.listed = nodes.filter(fits);
  state.shown = new Set(state.listed);
  if (state.order !== "network") {
    const keys = new Map(state.listed.map((node) => [node, sortKey(node)]));
    state.listed.sort((a, b) => keys.get(a) - keys.get(b) || a.index - b.index);
  }
  document.getElementById("found").textContent =
    state.listed.length === nodes.length ? `${nodes.length} kernels, operators, inputs and results` : `${state.listed.length} of ${nodes.length}`;
  rows.style.height = `${state.listed.length * ROW}px`;
  list.scrollTop = 0;
  drawRows();
  drawSoon();
}

/** Only rows in sight are elements. */
function drawRows() {
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 4);
  const last = Math.min(state.listed.length, Math.ceil((list.scrollTop + list.clientHeight) / ROW) + 4);
  const items = [];
  for (let i = first; i < last; ++i) {
    const node = state.listed[i];
    const loss = lossOf(node, state.order === "all" ? "sqnr_db" : "own_sqnr_db");
    items.push(
      el(
        "div",
        {
          class: `item ${node.precision}`, id: `row-${node.index}`, role: "option", "aria-selected": String(node === state.picked),
          "aria-posinset": i + 1, "aria-setsize": state.listed.length, style: `top:${i * ROW}px`, title: node.label, onclick: () => pick(node),
        },
        el("b", null, el("bdi", null, node.label)),
        el("small", null, `${PRECISION_NAMES[node.precision]} · ${node.json.op || node.json.kind}`),
        loss === null ? null : el("i", null, `${loss.toFixed(1)} dB`),
      ),
    );
  }
  rows.replaceChildren(...items);
  if (state.picked && state.shown.has(state.picked)) list.setAttribute("aria-activedescendant", `row-${state.picked.index}`);
  else list.removeAttribute("aria-activedescendant");
}

function revealRow(at) {
  if (at < 0) return;
  if (at * ROW < list.scrollTop) list.scrollTop = at * ROW;
  else if ((at + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (at + 1) * ROW - list.clientHeight;
}

function step(by) {
  if (state.listed.length === 0) return;
  const at = state.listed.indexOf(state.picked);
  const next = at < 0 ? (by > 0 ? 0 : state.listed.length - 1) : Math.min(state.listed.length - 1, Math.max(0, at + by));
  pick(state.listed[next]);
}

function listenToList() {
  const search = document.getElementById("search");
  search.addEventListener("input", () => {
    state.words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    find();
  });
  const onKey = (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    if (steps[event.key]) step(steps[event.key]);
    else if (event.key === "Enter" && !state.shown.has(state.picked)) step(1);
    else return;
    event.preventDefault();
  };
  search.addEventListener("keydown", onKey);
  list.addEventListener("keydown", onKey);
  list.addEventListener("scroll", drawRows);
  document.getElementById("order").addEventListener("change", (event) => {
    state.order = event.target.value;
    find();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") {
      if (search.value) {
        search.value = "";
        state.words = [];
        find();
      } else {
        pick(null);
      }
    }
  });
}

function addFilters() {
  const counts = groupBy(nodes, (node) => node.precision);
  for (const precision of PRECISIONS.filter((one) => counts.has(one))) {
    const chip = el(
      "button",
      {
        type: "button", class: `chip ${precision}`, "aria-pressed": "true",
        onclick: () => {
          const isOn = !state.precisions.delete(precision);
          if (isOn) state.precisions.add(precision);
          chip.setAttribute("aria-pressed", String(isOn));
          find();
        },
      },
      el("span", { class: "dot" }),
      `${PRECISION_NAMES[precision]} ${counts.get(precision).length}`,
    );
    document.getElementById("filters").append(chip);
  }
}

// ---- head -------------------------------------------------------------------------------------------

function addHead() {
  const model = report.model || "network";
  document.title = `${model} · Graftwork`;
  document.getElementById("model").textContent = model;
  const made = report.calibration || {};
  document.getElementById("subtitle").textContent = `calibrated on ${made.samples} ${made.samples === 1 ? "sample" : "samples"}, ${made.method} for activations, ${made.weight_method} for weights`;
  const count = (precision) => kernels.filter((node) => node.precision === precision).length;
  const worst = ((report.losses && report.losses.outputs) || []).reduce((a, b) => (a && (b.sqnr_db === null || a.sqnr_db <= b.sqnr_db) ? a : b), null);
  const items = [];
  if (worst) items.push([outputLoss(worst), report.losses.outputs.length > 1 ? "SQNR of the worst result" : "SQNR of the result"]);
  items.push([`${kernels.filter(isQuantized).length} of ${kernels.length}`, `kernels in ${quantizedNames()}`]);
  for (const precision of ["fp16", "bf16", "fp32"]) if (count(precision) > 0) items.push([String(count(precision)), `in ${PRECISION_NAMES[precision]}`]);
  if (report.export && report.export.bytes) items.push([bytes(report.export.bytes), "file"]);
  const warnings = (report.warnings || []).length;
  if (warnings > 0) items.push([String(warnings), warnings === 1 ? "warning" : "warnings"]);
  document.getElementById("headline").append(...items.map(([value, label]) => el("li", null, el("b", null, value), el("span", null, label))));
  const present = PRECISIONS.filter((precision) => nodes.some((node) => node.precision === precision));
  document.getElementById("legend").append(
    ...present.map((precision) => el("li", { class: precision }, el("span", { class: "dot" }), PRECISION_NAMES[precision])),
    ...(edges.some((edge) => edge.stub) ? [el("li", { class: "int8" }, el("span", { class: "dash" }), "behind Q/DQ")] : []),
    el("li", { class: "quiet" }, "drag or scroll to move, Ctrl and scroll to zoom"),
  );
}

// The graph keeps its place in small windows too: sizes are asked for when they change.
function start() {
  readShades();
  addHead();
  addFilters();
  listenToCanvas();
  listenToList();
  find();
  pick(null);
  showFirst();
  new ResizeObserver(() => {
    drawRows();
    drawSoon();
  }).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readShades();
    drawSoon();
  });
  document.body.dataset.ready = "yes";
}

start();
