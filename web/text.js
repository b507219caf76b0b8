// Numbers and captured strings as text. Whatever was captured is hostile: it only ever becomes a text node.

// Control characters and those that turn the reading direction would let a name pose as another.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function clean(value, most = 300) {
  const text = String(value ?? "").replace(HIDDEN, "\ufffd");
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

// An element with a class, text and children; never markup from a string.
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const child of children) element.append(child instanceof Node ? child : clean(child));
  return element;
}

const WHOLE = new Intl.NumberFormat("en-US");
export const count = (number) => WHOLE.format(Math.round(number ?? 0));

export function short(number) {
  if (number < 100000) return count(number);
  const at = number < 1e6 ? [1e3, "k"] : number < 1e9 ? [1e6, "M"] : [1e9, "G"];
  return `${(number / at[0]).toFixed(number / at[0] < 100 ? 1 : 0)} ${at[1]}`;
}

export function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [number ?? 0, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

// "2026-11-22T21:41:03.123456789Z" as date, time and milliseconds; the zone is in the column's name.
export function when(text) {
  const found = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,3})?/.exec(text ?? "");
  return found ? `${found[1]} ${found[2]}${found[3] ?? ""}` : "";
}

export function duration(ns) {
  const seconds = (ns ?? 0) / 1e9;
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

export const words = (name) => clean(name).replaceAll("_", " ");

// How bad: 0 to 100.
export function grade(severity) {
  if (severity >= 75) return "worst";
  if (severity >= 50) return "high";
  if (severity >= 25) return "warn";
  return severity > 0 ? "info" : "ok";
}
