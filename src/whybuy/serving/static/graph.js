"use strict";

const drawing = document.getElementById("drawing");
const { center, nodes, edges } = JSON.parse(document.getElementById("neighborhood").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isCenter = (node) => node.label.toLowerCase() === center.toLowerCase() || node.id === center;

function style() {
  const kinds = ["intent", "type", "type_attribute", "product", "query", "pair"];
  return [
    {
      selector: "node",
      style: {
        label: "data(label)",
        color: color("--ink"),
        "background-color": color("--line"),
        "font-size": 13,
        "font-family": getComputedStyle(document.body).fontFamily,
        "text-wrap": "wrap",
        "text-max-width": 130,
        "text-valign": "bottom",
        "text-margin-y": 4,
        "text-background-color": color("--card"),
        "text-background-opacity": 0.85,
        "text-background-padding": 2,
        width: 16,
        height: 16,
      },
    },
    ...kinds.map((kind) => ({
      selector: `node[kind = "${kind}"]`,
      style: { "background-color": color(`--kind-${kind.replace("type_attribute", "type")}`) },
    })),
    { selector: "node[?central]", style: { width: 30, height: 30, "font-size": 15, "font-weight": 600 } },
    {
      selector: "edge",
      style: {
        width: "mapData(typicality, 0, 1, 1, 4)",
        "line-color": color("--line"),
        "curve-style": "straight",
        "target-arrow-shape": "triangle",
        "target-arrow-color": color("--line"),
        "arrow-scale": 0.7,
      },
    },
    {
      selector: "edge.near",
      style: {
        label: "data(words)",
        color: color("--soft"),
        "font-size": 10,
        "text-background-color": color("--card"),
        "text-background-opacity": 1,
        "text-background-padding": 2,
        "line-color": color("--accent"),
        "target-arrow-color": color("--accent"),
      },
    },
  ];
}

/* The center in the middle, the others around it on ellipses as wide as the drawing, kind by kind. */
function placed() {
  const rank = (node) => ["intent", "type", "type_attribute", "product", "pair", "query"].indexOf(node.kind);
  const others = nodes.filter((node) => !isCenter(node)).sort((a, b) => rank(a) - rank(b));
  const wide = drawing.clientWidth > 700 ? [235, 118] : [110, 200];
  const places = new Map(nodes.filter(isCenter).map((node) => [node.id, { x: 0, y: 0 }]));
  for (let ring = 1, start = 0; start < others.length; ring += 1) {
    const size = Math.min(10 + 10 * (ring - 1), others.length - start);
    for (let at = 0; at < size; at += 1) {
      const angle = (2 * Math.PI * (at + (ring % 2) / 2)) / size;
      places.set(others[start + at].id, { x: ring * wide[0] * Math.cos(angle), y: ring * wide[1] * Math.sin(angle) });
    }
    start += size;
  }
  return places;
}

const places = placed();
const graph = cytoscape({
  container: drawing,
  elements: [
    ...nodes.map((node) => ({ data: { ...node, central: isCenter(node) } })),
    ...edges.map((edge) => ({ data: { ...edge, words: edge.relation.replaceAll("_", " ") } })),
  ],
  style: style(),
  layout: { name: "preset", positions: (node) => places.get(node.id()) },
  minZoom: 0.3,
  maxZoom: 2.5,
  userZoomingEnabled: false,
  autoungrabify: false,
});

function fit() {
  graph.fit(undefined, 24);
  if (graph.zoom() > 1.2) {
    graph.zoom(1.2);
    graph.center();
  }
}

graph.on("tap", "node", (event) => {
  const { url } = event.target.data();
  if (url) location.assign(url);
});
graph.on("mouseover", "node", (event) => {
  event.target.connectedEdges().addClass("near");
  drawing.classList.add("over");
});
graph.on("mouseout", "node", (event) => {
  event.target.connectedEdges().removeClass("near");
  drawing.classList.remove("over");
});
dark.addEventListener("change", () => graph.style(style()));
addEventListener("resize", fit);
fit();
drawing.dataset.ready = "true";
