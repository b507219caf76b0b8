// The page: what is asked for, and when it is asked again.

import { get, keepToken } from "./api.js";
import { capturesOf, drawJobs, isBusy, onShowCapture, send } from "./jobs.js";
import { drawFlows, drawStats, drawThreats } from "./results.js";
import { clean, make, short } from "./text.js";

const BUSY_MS = 1000;
const QUIET_MS = 8000;
const PAGE = 25;

const at = (id) => document.getElementById(id);
const state = { filter: "", capture: "", next: null, extra: [], timer: 0, captures: "", follow: null, turn: 0 };

function health(tone, text) {
  at("health").className = `health ${tone}`;
  at("health-text").textContent = text;
}

function path(route, parameters) {
  const query = new URLSearchParams(parameters);
  if (state.capture) query.set("capture", state.capture);
  return `/api/${route}?${query}`;
}

function flowsPath(cursor) {
  const parameters = { ...Object.fromEntries(new URLSearchParams(state.filter)), limit: PAGE };
  return path("predictions", cursor ? { ...parameters, cursor } : parameters);
}

function drawCaptures(captures) {
  const text = JSON.stringify([captures, state.capture]);
  if (state.captures === text) return;
  state.captures = text;
  const option = (value, label) => {
    const element = make("option", "", label);
    element.value = value;
    element.selected = value === state.capture;
    return element;
  };
  const options = captures.map((capture) => option(capture.id, `${clean(capture.name, 60)} (${short(capture.flows)} flows)`));
  at("capture").replaceChildren(option("", "All captures"), ...options);
  at("capture").hidden = captures.length === 0;
}

// Once what was uploaded here is done, the page shows it, unless someone has chosen what to see meanwhile.
function follow(jobs) {
  const job = jobs.find((one) => one.id === state.follow);
  if (!job || isBusy(job)) return;
  state.follow = null;
  const captures = capturesOf(job);
  if (captures.length === 1) ask({ capture: captures[0] });
}

async function refresh() {
  clearTimeout(state.timer);
  // An answer to an older question must not be drawn over a newer one.
  const turn = ++state.turn;
  const isOld = () => turn !== state.turn;
  let busy = false;
  try {
    const [stats, jobs, threats, flows, captures] = await Promise.all([
      get(path("stats")), get("/api/jobs?limit=5"), get(path("threats", { limit: 10 })), get(flowsPath(null)), get("/api/captures"),
    ]);
    if (isOld()) return;
    drawJobs(jobs.items);
    drawCaptures(captures.items);
    drawStats(stats);
    drawThreats(threats, stats);
    drawFlows([...flows.items, ...state.extra], state.filter !== "" || state.capture !== "");
    if (state.extra.length === 0) state.next = flows.next;
    at("more").hidden = !state.next;
    at("login").hidden = true;
    busy = jobs.items.some(isBusy);
    health("ready", busy ? "working" : "ready");
    follow(jobs.items);
    at("updated").textContent = `Updated ${new Date().toLocaleTimeString()}`;
  } catch (problem) {
    if (isOld()) return;
    if (problem.status === 401) {
      at("login").hidden = false;
      health("", "locked");
      return;
    }
    health("failing", clean(problem.message));
  }
  if (!document.hidden && !isOld()) state.timer = setTimeout(refresh, busy ? BUSY_MS : QUIET_MS);
}

async function more() {
  try {
    const page = await get(flowsPath(state.next));
    state.extra.push(...page.items);
    state.next = page.next;
  } catch (problem) {
    health("failing", clean(problem.message));
  }
  refresh();
}

function ask(changes) {
  Object.assign(state, { extra: [], next: null, ...changes });
  refresh();
}

function uploaded(job) {
  state.follow = job ?? state.follow;
  refresh();
}

function listenForFiles() {
  const drop = at("drop");
  at("choose").addEventListener("click", () => at("file").click());
  at("file").addEventListener("change", (event) => {
    send([...event.target.files], uploaded);
    event.target.value = "";
  });
  // The whole page takes a drop: a miss by a pixel must not navigate away to the file.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    send([...event.dataTransfer.files], uploaded);
  });
}

function listen() {
  listenForFiles();
  onShowCapture((capture) => {
    ask({ capture, follow: null });
    at("tiles").scrollIntoView({ behavior: "smooth" });
  });
  at("capture").addEventListener("change", (event) => ask({ capture: event.target.value, follow: null }));
  at("login").addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(at("token").value);
    refresh();
  });
  const filters = [...document.querySelectorAll("[data-filter]")];
  for (const button of filters) {
    button.addEventListener("click", () => {
      for (const other of filters) other.setAttribute("aria-pressed", String(other === button));
      ask({ filter: button.dataset.filter });
    });
  }
  at("more").addEventListener("click", more);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
}

listen();
refresh();
