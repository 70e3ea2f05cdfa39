// Loaded before a program (NODE_OPTIONS=--require): the program sees a macOS, as far as Node.js shows the system. It has
// no /proc and no /sys; the other programs, such as ps, are those of this machine.
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");

Object.defineProperty(process, "platform", { value: "darwin" });

/** @param {unknown} file */
const isMissing = (file) => typeof file === "string" && /^\/(?:proc|sys)(?:\/|$)/.test(file);

/** @param {string} call @param {string} file */
function missing(call, file) {
  const text = `ENOENT: no such file or directory, ${call} '${file}'`;
  return Object.assign(new Error(text), { code: "ENOENT", errno: -2, syscall: call, path: file });
}

for (const name of Object.keys(fs).filter((each) => each.endsWith("Sync"))) {
  const original = fs[name];
  fs[name] = Object.assign((file, ...more) => {
    if (!isMissing(file)) return original(file, ...more);
    if (name === "existsSync") return false;
    if (more[0]?.throwIfNoEntry === false) return undefined;
    throw missing(name, file);
  }, original);
  const asynchronous = name.replace(/Sync$/, "");
  const promised = fs.promises[asynchronous];
  if (typeof promised !== "function") continue;
  fs.promises[asynchronous] = async (file, ...more) => {
    if (isMissing(file)) throw missing(asynchronous, file);
    return await promised(file, ...more);
  };
}
syncBuiltinESMExports();
