// Loaded before a tool (node --import): shifts its clock by the milliseconds in the file that CLOCK_OFFSET_FILE names.
import { readFileSync } from "node:fs";

const file = process.env["CLOCK_OFFSET_FILE"] ?? "";
const RealDate = Date;

function now() {
  let offset = 0;
  try {
    offset = Number(readFileSync(file, "utf8"));
  } catch {
    // not set yet
  }
  return RealDate.now() + offset;
}

const shifted = new Proxy(RealDate, {
  construct: (_, args, newTarget) => construct(args.length > 0 ? args : [now()], newTarget),
  get: (_, name) => (name === "now" ? now : property(name)),
});
Reflect.set(globalThis, "Date", shifted);

/** @param {unknown[]} args @param {Function} newTarget @returns {object} */
function construct(args, newTarget) {
  /** @type {unknown} */
  const date = Reflect.construct(RealDate, args, newTarget);
  return /** @type {object} */ (date);
}

/** @param {string | symbol} name @returns {unknown} */
function property(name) {
  return /** @type {Record<string | symbol, unknown>} */ (/** @type {unknown} */ (RealDate))[name];
}
