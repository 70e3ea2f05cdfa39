// Loaded before a program (NODE_OPTIONS=--require): the program sees a macOS, as far as Node.js shows the system. It has
// no /proc and no /sys; the other programs, such as ps, are those of this machine.
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");

/** @typedef {(file: unknown, ...more: unknown[]) => unknown} Call */
/** @typedef {Record<string, Call | undefined>} Calls */

Object.defineProperty(process, "platform", { value: "darwin" });

/** @param {unknown} file @returns {file is string} */
const isMissing = (file) => typeof file === "string" && /^\/(?:proc|sys)(?:\/|$)/.test(file);

/** @param {string} call @param {string} file */
function missing(call, file) {
  const text = `ENOENT: no such file or directory, ${call} '${file}'`;
  return Object.assign(new Error(text), { code: "ENOENT", errno: -2, syscall: call, path: file });
}

/** @param {string} name @param {Call} original @returns {Call} */
function synchronous(name, original) {
  const replacement = (/** @type {unknown} */ file, /** @type {unknown[]} */ ...more) => {
    if (!isMissing(file)) return original(file, ...more);
    if (name === "existsSync") return false;
    const [options] = /** @type {[{ throwIfNoEntry?: boolean }?]} */ (more);
    if (options?.throwIfNoEntry === false) return undefined;
    throw missing(name, file);
  };
  return Object.assign(replacement, original); // realpathSync has a further function as a property
}

/** @param {string} name @param {Call} original @returns {Call} */
function promised(name, original) {
  return async (file, ...more) => {
    if (isMissing(file)) throw missing(name, file);
    return await original(file, ...more);
  };
}

const calls = /** @type {Calls} */ (/** @type {unknown} */ (fs));
const promises = /** @type {Calls} */ (/** @type {unknown} */ (fs.promises));
for (const name of Object.keys(calls).filter((each) => each.endsWith("Sync"))) {
  const asynchronous = name.replace(/Sync$/, "");
  const [one, other] = [calls[name], promises[asynchronous]];
  if (typeof one === "function") calls[name] = synchronous(name, one);
  if (typeof other === "function") promises[asynchronous] = promised(asynchronous, other);
}
syncBuiltinESMExports();
