// Elements, made of data: text is always text and never markup, whatever names hold.
"use strict";

/** el("p", { class: "quiet" }, "text", child): null children are left out. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** <dl> of [term, description] pairs; those without a description are left out. */
function facts(pairs) {
  const list = el("dl");
  for (const [term, description] of pairs) {
    if (description === null || description === undefined || description === "") continue;
    list.append(el("dt", null, term), el("dd", null, description));
  }
  return list;
}

function badge(precision) {
  return el("span", { class: `badge ${precision}` }, PRECISION_NAMES[precision]);
}

function nodeLink(node, text = node.label) {
  return el("button", { type: "button", class: "link", onclick: () => pick(node) }, text);
}
