// Uploads from this page, and the jobs that the service knows.

import { upload } from "./api.js";
import { bytes, count, make, words } from "./text.js";

const at = (id) => document.getElementById(id);
const SHOWN = 5;
const sending = new Map();
let known = [];
let show = () => {};

const PHASES = {
  queued: ["waiting", ""], metering: ["reading packets", "info"], storing: ["storing verdicts", "info"],
  done: ["done", "ok"], failed: ["failed", "worst"],
};

// `onShow` is called with the id of a capture that someone wants to see.
export function onShowCapture(onShow) {
  show = onShow;
}

// The captures of a job that gave flows.
export const capturesOf = (job) => job.files.filter((file) => file.capture_id && file.flows > 0).map((file) => file.capture_id);

export const isBusy = (job) => job.phase !== "done" && job.phase !== "failed";

// Sends files as one job; `then` is called with the job's id, or with nothing when the service refused it.
export async function send(files, then) {
  if (files.length === 0) return;
  const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  const names = files.map((file) => file.name).join(", ");
  const entry = { names, loaded: 0, total: files.reduce((sum, file) => sum + file.size, 0), error: "" };
  sending.set(key, entry);
  drawJobs(known);
  let id;
  try {
    const answer = await upload(files, key, (loaded, total) => {
      Object.assign(entry, { loaded, total });
      drawJobs(known);
    });
    id = answer.job_id;
    sending.delete(key);
  } catch (problem) {
    entry.error = problem.message;
    drawJobs(known);
  }
  then(id);
}

function row(name, [phase, tone], fraction, facts, reasons, notes) {
  const item = make("li", "job");
  item.append(make("div", "top", make("span", "name", name), make("span", `chip ${tone}`, phase)));
  if (fraction !== null) {
    const bar = make("progress");
    if (fraction >= 0) bar.value = Math.min(1, fraction);
    item.append(bar);
  }
  item.append(make("p", "facts", facts));
  item.append(...reasons.map((reason) => make("p", "why", reason)), ...notes.map((note) => make("p", "facts", note)));
  return item;
}

function fraction(job) {
  if (job.phase === "queued") return 0;
  if (job.phase === "metering") return job.bytes_total > 0 ? job.bytes_read / job.bytes_total : -1;
  return job.phase === "storing" ? (job.flows > 0 ? job.stored / job.flows : -1) : null;
}

// What went wrong, and what is only worth knowing: [reasons, notes].
function remarks(job) {
  const reasons = job.error ? [job.error] : [];
  const notes = [];
  for (const file of job.files) {
    const of = job.files.length > 1 ? `${file.name}: ` : "";
    // A warning of an archive's entry names it already.
    if (file.warning) reasons.push(file.warning.startsWith(file.name) ? file.warning : of + file.warning);
    const skipped = Object.entries(file.skipped).map(([why, n]) => `${count(n)} ${words(why)}`);
    if (skipped.length) notes.push(`${of}packets in no flow: ${skipped.join(", ")}`);
    if (file.already_stored > 0) notes.push(`${of}${count(file.already_stored)} flows were stored before`);
  }
  if (job.phase === "done" && job.stored < job.flows) {
    notes.push(`${count(job.flows - job.stored)} flows repeat others, or were refused (see Metrics)`);
  }
  return [reasons.slice(0, SHOWN), notes.slice(0, SHOWN)];
}

function jobRow(job) {
  const waits = job.phase === "queued" && job.position > 0 ? ` · number ${job.position} in the queue` : "";
  const facts = [
    bytes(job.bytes_total), `${count(job.packets)} packets`, `${count(job.flows)} flows`, `${count(job.stored)} stored`,
  ].join(" · ") + waits;
  const item = row(job.names.join(", ") || job.id, PHASES[job.phase] ?? [job.phase, ""], fraction(job), facts, ...remarks(job));
  const captures = capturesOf(job);
  if (job.phase === "done" && captures.length === 1) {
    const button = make("button", "show", "Show only this");
    button.type = "button";
    button.addEventListener("click", () => show(captures[0]));
    item.append(button);
  }
  return item;
}

export function drawJobs(jobs) {
  known = jobs;
  const rows = [...sending.values()].map(({ names, loaded, total, error }) => error
    ? row(names, ["refused", "worst"], null, "not accepted", [error], [])
    : row(names, ["uploading", "info"], loaded / Math.max(1, total), `${bytes(loaded)} of ${bytes(total)} sent`, [], []));
  at("jobs").replaceChildren(...rows, ...jobs.slice(0, SHOWN).map(jobRow));
  at("jobs-section").hidden = rows.length + jobs.length === 0;
}
