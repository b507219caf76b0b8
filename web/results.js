// What was found: totals, shares, traffic over time, threats and predictions.

import { showDetail } from "./detail.js";
import { bytes, clean, count, grade, make, short, when, words } from "./text.js";

const at = (id) => document.getElementById(id);
const drawn = new Map();
const SVG = "http://www.w3.org/2000/svg";

// Draws only when the data changed, so that a selection or focus survives the refresh.
function changed(name, data) {
  const text = JSON.stringify(data);
  if (drawn.get(name) === text) return false;
  drawn.set(name, text);
  return true;
}

function opens(element, item) {
  element.tabIndex = 0;
  element.addEventListener("click", () => showDetail(item));
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter") showDetail(item);
  });
  return element;
}

// ---- totals

function tile(value, label, bad) {
  return make("div", bad ? "tile bad" : "tile", make("div", "value", value), make("div", "label", label));
}

function shares(counts, bad) {
  const entries = Object.entries(counts).filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1]);
  const total = entries.reduce((sum, [, n]) => sum + n, 0);
  return entries.map(([name, n]) => {
    const bar = make("progress", bad && name !== "none" ? "bad" : "");
    bar.value = n / total;
    bar.ariaLabel = `${words(name)}: share of all flows`;
    return make("div", "share", make("span", "", words(name)), bar, make("span", "count", short(n)));
  });
}

function rect(x, width, height, className) {
  const shape = document.createElementNS(SVG, "rect");
  const attributes = { x, width, y: 100 - height, height, class: className };
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  return shape;
}

// Packets per bucket as bars; where abnormal flows began, a mark at the foot.
function drawTimeline(timeline, captures) {
  const chart = at("timeline");
  const { points, bucket_s: bucket } = timeline;
  // Captures of different days side by side would be two needles with nothing between them.
  const shown = captures === 1 && points.length > 1;
  at("timeline-card").hidden = !shown;
  if (!shown) return;
  const begin = Date.parse(points[0].start) / 1000;
  const place = (point) => Math.round((Date.parse(point.start) / 1000 - begin) / bucket);
  const slots = place(points.at(-1)) + 1;
  const most = Math.max(...points.map((point) => point.packets), 1);
  const bars = points.flatMap((point) => {
    const x = place(point) * (1000 / slots);
    const bar = rect(x, 1000 / slots, Math.max(1, (96 * point.packets) / most), "packets");
    return point.abnormal > 0 ? [bar, rect(x, 1000 / slots, 4, "abnormal")] : [bar];
  });
  chart.replaceChildren(...bars);
  at("timeline-from").textContent = when(points[0].start).slice(0, 19);
  at("timeline-to").textContent = when(points.at(-1).start).slice(0, 19);
  at("timeline-note").textContent = `at most ${short(most / bucket)} packets/s, abnormal flows marked`;
}

export function drawStats(stats) {
  if (!changed("stats", stats)) return;
  at("tiles").replaceChildren(
    tile(short(stats.flows), "flows judged"),
    tile(short(stats.packets), "packets in them"),
    tile(bytes(stats.bytes), "IP bytes"),
    tile(short(stats.attacks), "attack flows", stats.attacks > 0),
    tile(short(stats.threats), "threats", stats.threats > 0),
    tile(short(stats.captures), stats.captures === 1 ? "capture" : "captures"),
  );
  drawTimeline(stats.timeline, stats.captures);
  at("classes").replaceChildren(...shares(stats.traffic_classes, false));
  at("categories").replaceChildren(...shares(stats.threat_categories, true));
  at("shares").hidden = stats.flows === 0;
}

// ---- threats

function threatRow(threat) {
  const severity = threat.event?.severity ?? 0;
  const own = threat.flowcatcher?.threat ?? {};
  const row = make("li", "threat",
    make("span", `chip severity ${grade(severity)}`, severity),
    make("span", "what", threat.rule?.name ?? words(own.category ?? "threat")),
    make("span", "when", when(threat.event?.start)),
    make("span", "message", threat.message ?? `${count(own.flows)} flows`));
  return opens(row, threat);
}

export function drawThreats(page, stats) {
  if (!changed("threats", [page, stats.flows > 0, stats.threats])) return;
  at("threats").replaceChildren(...page.items.map(threatRow));
  at("threats-empty").hidden = page.items.length > 0;
  at("threats-empty").textContent = stats.flows > 0
    ? "No threats in what was judged." : "No threats: nothing was judged yet.";
  at("threats-note").textContent = page.next ? `the latest ${page.items.length} of ${count(stats.threats)}` : "";
}

// ---- predictions

function cell(label, className, main, sub) {
  const element = make("td", className, main);
  element.dataset.label = label;
  if (sub) element.append(make("span", "sub", sub));
  return element;
}

function endpoint(end) {
  const address = clean(end?.ip ?? end?.address ?? "");
  const host = address.includes(":") ? `[${address}]` : address;
  return end?.port === undefined ? address : `${host}:${end.port}`;
}

function flowRow(flow) {
  const own = flow.flowcatcher ?? {};
  const category = own.threat?.category ?? "none";
  const name = flow.tls?.client?.server_name ?? flow.dns?.question?.name ?? flow.destination?.domain;
  const traffic = own.traffic?.class ?? "";
  const { protocol, transport, iana_number: number } = flow.network ?? {};
  const row = make("tr", "",
    cell("Time (UTC)", "time", when(flow.event?.start)),
    cell("Source", "code", endpoint(flow.source)),
    cell("Destination", "code", endpoint(flow.destination), name),
    cell("Protocol", "", protocol ?? transport ?? `IP ${number ?? ""}`, protocol ? transport : ""),
    cell("Bytes", "number", bytes(flow.network?.bytes)),
    cell("Traffic", "", make("span", `chip ${traffic === "Tor" || traffic === "VPN" ? "info" : ""}`, traffic),
      own.traffic?.uncertain ? "uncertain" : ""),
    cell("Threat", "", category === "none"
      ? make("span", "chip", "none")
      : make("span", `chip ${grade(flow.event?.severity ?? 0)}`, words(category))));
  return opens(row, flow);
}

export function drawFlows(items, isFiltered) {
  if (!changed("flows", [items, isFiltered])) return;
  at("flows").replaceChildren(...items.map(flowRow));
  at("flows-empty").hidden = items.length > 0;
  at("flows-empty").textContent = isFiltered
    ? "No prediction matches this filter."
    : "No predictions yet. Upload a capture, and each of its flows appears here with its verdict.";
}
