// One prediction or threat in full, as text.

import { bytes, clean, count, duration, make, when, words } from "./text.js";

const at = (id) => document.getElementById(id);

function end(side) {
  if (!side) return "";
  const volume = side.packets === undefined ? "" : ` · ${count(side.packets)} packets · ${bytes(side.bytes)}`;
  return `${side.ip ?? side.address ?? ""}${side.port === undefined ? "" : ` port ${side.port}`}${volume}`;
}

function scores(map) {
  const entries = Object.entries(map ?? {}).filter(([, score]) => score >= 0.005).sort((a, b) => b[1] - a[1]);
  const texts = entries.slice(0, 4).map(([name, score]) => `${words(name)} ${Math.round(score * 100)} %`);
  return texts.length ? ` (${texts.join(", ")})` : "";
}

function predictionFacts(flow) {
  const own = flow.flowcatcher ?? {};
  return [
    ["Time", `${when(flow.event?.start)} UTC, ${duration(flow.event?.duration)}`],
    ["Source", end(flow.source)],
    ["Destination", end(flow.destination)],
    ["Protocol", [flow.network?.transport, flow.network?.protocol].filter(Boolean).join(", ")],
    ["Server name", flow.tls?.client?.server_name],
    ["Traffic", `${own.traffic?.class ?? ""}${own.traffic?.uncertain ? ", uncertain" : ""}${scores(own.traffic?.scores)}`],
    ["Threat", `${words(own.threat?.category ?? "none")}${scores(own.threat?.scores)}`],
    ["Severity", `${flow.event?.severity ?? 0} of 100${own.is_abnormal ? ", abnormal by policy" : ""}`],
    ["Flow", [own.flow?.state, own.flow?.history].filter(Boolean).join(", ")],
    ["Community ID", flow.network?.community_id],
    ["Id", flow.event?.id],
  ];
}

function threatFacts(threat) {
  const own = threat.flowcatcher?.threat ?? {};
  const ids = [].concat(threat.threat?.technique?.id ?? []);
  const names = [].concat(threat.threat?.technique?.name ?? []);
  return [
    ["From", `${when(threat.event?.start)} UTC`],
    ["To", `${when(threat.event?.end)} UTC`],
    ["Severity", `${threat.event?.severity ?? 0} of 100`],
    ["What", threat.rule?.description],
    ["Flows", count(own.flows)],
    ["Addresses", (threat.related?.ip ?? []).slice(0, 20).join(", ")],
    ["ATT&CK", ids.map((id, n) => `${id} ${names[n] ?? ""}`.trim()).join(", ")],
    ["Id", threat.event?.id],
  ];
}

export function showDetail(item) {
  const own = item.flowcatcher ?? {};
  const isThreat = item.event?.kind === "alert";
  at("detail-title").textContent = isThreat ? clean(item.rule?.name ?? words(own.threat?.category ?? "threat")) : "Prediction";
  const facts = (isThreat ? threatFacts(item) : predictionFacts(item)).filter(([, text]) => text);
  at("detail-facts").replaceChildren(...facts.flatMap(([name, text]) => [make("dt", "", name), make("dd", "", text)]));
  const reasons = own.reasons?.length ? own.reasons : [isThreat ? item.message ?? "" : "The models found nothing unusual."];
  at("detail-reasons").replaceChildren(...reasons.map((reason) => make("li", "", reason)));
  const actions = own.threat?.actions ?? [];
  at("detail-more").replaceChildren();
  if (actions.length) {
    at("detail-more").append(make("h3", "", "What to do"), make("ul", "", ...actions.map((text) => make("li", "", text))));
  }
  at("detail").showModal();
}

at("detail-close").addEventListener("click", () => at("detail").close());
at("detail").addEventListener("click", (event) => {
  if (event.target === at("detail")) at("detail").close();
});
