/**
 * A study of a public repository, and its expected outcome.
 * @typedef {object} Entry
 * @property {string} repository OWNER/NAME on GitHub; `samples/NAME` is a sample of the OMNeT++ on PATH.
 * @property {string} [commit] for which this entry was written, abbreviated.
 * @property {string} shape how this project differs from others, in a few words.
 * @property {string} study its folder within the checkout.
 * @property {string} [ini] default: omnetpp.ini.
 * @property {string} config
 * @property {number} runs of the whole config.
 * @property {string} [filter] run filter of the runs to execute. Default: run 0.
 * @property {readonly string[]} [args] further options of the simulation, which shorten it.
 * @property {string} [build] shell command in the checkout's root, like a user's. Default: see reference.js.
 * @property {string} [program] which the build produces, relative to the checkout. Default: the only one that it produces.
 * @property {readonly string[]} [ned] NED folders, relative to the checkout.
 * @property {readonly string[]} [needs] other repositories whose checkouts it needs: INET_ROOT is set for OWNER/inet.
 * @property {string} [expansionOnly] why it is not executed.
 * @property {string} [refused] the message with which it is refused, because it cannot be built locally either.
 */

const FIELDS = {
  repository: isRepository,
  commit: isCommit,
  shape: isText,
  study: isRelative,
  ini: isText,
  config: isText,
  runs: isCount,
  filter: isText,
  args: isTexts,
  build: isText,
  program: isRelative,
  ned: isTexts,
  needs: isRepositories,
  expansionOnly: isText,
  refused: isText,
};
const REQUIRED = ["repository", "shape", "study", "config", "runs"];

/**
 * Checks the table: each field of each entry, and that no entry occurs twice.
 * @param {readonly unknown[]} table
 * @returns {Entry[]}
 * @throws {Error} that names the entry and the field.
 */
export function parseTable(table) {
  const names = new Set();
  return table.map((value, index) => {
    if (typeof value !== "object" || value === null) throw new Error(`entry ${index}: not an object`);
    const fields = new Map(Object.entries(value));
    const missing = REQUIRED.find((field) => !fields.has(field));
    if (missing !== undefined) throw new Error(`entry ${index}: ${missing} is missing`);
    for (const [field, content] of fields) {
      if (!Object.hasOwn(FIELDS, field)) throw new Error(`entry ${index}: unknown field ${field}`);
      const isValid = FIELDS[/** @type {keyof typeof FIELDS} */ (field)];
      if (!isValid(content))
        throw new Error(`entry ${index}: ${field}: ${JSON.stringify(content)} is not valid`);
    }
    const entry = /** @type {Entry} */ (value);
    const name = describeEntry(entry);
    if (names.has(name)) throw new Error(`entry ${index}: ${name} is there twice`);
    names.add(name);
    return entry;
  });
}

/** @param {Entry} entry */
export function describeEntry({ repository, study, ini, config }) {
  const place = [study === "." ? "" : study, ini ?? ""].filter((part) => part !== "").join("/");
  return [repository, place, config].filter((part) => part !== "").join(" ");
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === "string" && value.trim() !== "";
}

/** @param {unknown} value OWNER/NAME */
function isRepository(value) {
  return isText(value) && /^[^/]+\/[^/]+$/.test(/** @type {string} */ (value));
}

/** @param {unknown} value */
function isRepositories(value) {
  return Array.isArray(value) && value.every(isRepository);
}

/** @param {unknown} value */
function isTexts(value) {
  return Array.isArray(value) && value.every(isText);
}

/** @param {unknown} value */
function isCommit(value) {
  return typeof value === "string" && /^[0-9a-f]{7,40}$/.test(value);
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isInteger(value) && /** @type {number} */ (value) > 0;
}

/** @param {unknown} value */
function isRelative(value) {
  return isText(value) && !/^\/|(^|\/)\.\.(\/|$)/.test(/** @type {string} */ (value));
}
