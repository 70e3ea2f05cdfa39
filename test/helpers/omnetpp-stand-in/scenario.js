import { OppError } from "./errors.js";
import { evaluate } from "./expression.js";

/** @typedef {{ name: string, value: string, parallelTo: string }} IterationVariable */
/** @typedef {Map<string, string>} Assignment  In the order in which the iteration is nested. */

/**
 * Splits at top-level separators: not inside quotes or parentheses.
 * @param {string} text @param {string} separator @returns {string[]}
 */
export function splitTopLevel(text, separator) {
  /** @type {string[]} */
  const parts = [];
  let part = "";
  let quoted = false;
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? "";
    if (character === "\\" && quoted) {
      part += character + (text[++index] ?? "");
      continue;
    }
    if (character === '"') quoted = !quoted;
    else if (!quoted && "([{".includes(character)) depth++;
    else if (!quoted && depth > 0 && ")]}".includes(character)) depth--;
    if (character === separator && !quoted && depth === 0) {
      parts.push(part);
      part = "";
    } else part += character;
  }
  return [...parts, part].map((each) => each.trim());
}

/**
 * The text between `${` and `}`: a reference, a named or an unnamed iteration.
 * @param {string} body
 * @returns {IterationVariable} the value is empty for a mere reference
 */
export function parseVariable(body) {
  let [, name = "", rest = ""] = /^\s*([A-Za-z_]\w*)?\s*([^]*)$/.exec(body) ?? [];
  if (name !== "" && rest === "") return { name, value: "", parallelTo: "" };
  if (name !== "" && /^=(?!=)/.test(rest)) rest = rest.slice(1);
  else if (name === "" || rest.includes(",")) [name, rest] = ["", body];
  else throw new OppError("Missing '=' after '${varname'");
  const parallel = /^([^]*)!\s*([A-Za-z_]\w*)\s*$/.exec(rest);
  return { name, value: (parallel?.[1] ?? rest).trim(), parallelTo: parallel?.[2] ?? "" };
}

/**
 * Finds every `${...}` of a text and replaces it.
 * @param {string} text @param {(body: string, ordinal: number) => string} replacement
 */
export function replaceVariables(text, replacement) {
  let result = "";
  let ordinal = 0;
  for (let from = 0; ;) {
    const start = text.indexOf("${", from);
    if (start < 0) return result + text.slice(from);
    const end = closingBrace(text, start + 2);
    result += text.slice(from, start) + replacement(text.slice(start + 2, end), ordinal++);
    from = end + 1;
  }
}

/** @param {string} text @param {number} from */
function closingBrace(text, from) {
  let quoted = false;
  for (let index = from, depth = 0; index < text.length; index++) {
    const character = text[index] ?? "";
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if ("([{".includes(character)) depth++;
    else if (character === "}" && depth === 0) return index;
    else if (")]}".includes(character)) depth--;
  }
  throw new OppError("Missing '}' for '${'");
}

/** @param {string} text @param {ReadonlyMap<string, string>} values @param {string} complaint */
function substituteReferences(text, values, complaint) {
  return text.replace(/\$\{(\w+)\}|\$(\w+)/g, (_, braced, bare) => {
    const name = String(braced ?? bare);
    const value = values.get(name);
    if (value === undefined) throw new OppError(`${complaint}$${name}`);
    return value;
  });
}

/** @param {string} list @param {ReadonlyMap<string, string>} values @returns {string[]} */
function expandList(list, values) {
  return splitTopLevel(list, ",").flatMap((item) => {
    const range = /^([^"]*?)\.\.([^"]*?)(?:(?<!\w)step(?!\w)([^"]*))?$/.exec(item);
    if (!range) return [substituteReferences(item, values, "Unknown iteration variable: ")];
    const [from, to, step] = [range[1], range[2], range[3] ?? "1"].map((part = "") =>
      Number(evaluate(substituteReferences(part.trim(), values, "Unknown iteration variable: "))),
    );
    if (from === undefined || to === undefined || step === undefined) return [];
    // the last millionth lets "0.1..0.9 step 0.2" reach 0.9
    const count = Math.floor((to - from + 1.000001 * step) / step);
    if (!Number.isFinite(count) || count <= 0) return [];
    return Array.from({ length: count }, (_, index) => String(Number((from + step * index).toPrecision(6))));
  });
}

/** @param {IterationVariable[]} variables @param {string} order */
function nestingOrder(variables, order) {
  const known = new Map(variables.map((variable) => [variable.name, variable]));
  const wanted = order === "" ? [] : splitTopLevel(order, ",");
  for (const name of wanted)
    if (name !== "*" && !known.has(name))
      throw new OppError(
        `Scenario generator: Undefined variable $${name} specified as part of the iteration variable nesting order`,
      );
  const rest = variables.filter((variable) => !wanted.includes(variable.name));
  if (!wanted.includes("*")) wanted.push("*");
  return wanted.flatMap((name) =>
    name === "*" ? rest : [known.get(name)].filter((found) => found !== undefined),
  );
}

/**
 * All combinations of the iteration variables that satisfy the constraint, outermost variable first.
 * @param {IterationVariable[]} variables @param {string} order @param {string} constraint
 * @returns {Assignment[]}
 */
export function expandScenario(variables, order, constraint) {
  const ordered = nestingOrder(variables, order);
  const loops = ordered.filter((variable) => variable.parallelTo === "");
  for (const { name, parallelTo } of ordered)
    if (parallelTo !== "" && !loops.some((loop) => loop.name === parallelTo))
      throw new OppError(`Scenario generator: Variable $${name}: no such parallel iterator: $${parallelTo}`);
  /** @type {Assignment[]} */
  const runs = [];
  /** @type {Map<string, string>} */
  const values = new Map();

  /** @param {string} name @param {number} position @param {string} leader */
  const setFollowers = (name, position, leader) => {
    for (const follower of ordered.filter((variable) => variable.parallelTo === name)) {
      const value = expandList(follower.value, values)[position];
      if (value === undefined)
        throw new OppError(`Scenario generator: Variable $${follower.name} has fewer values than $${leader}`);
      values.set(follower.name, value);
    }
  };
  /** @param {number} depth */
  const iterate = (depth) => {
    const variable = loops[depth];
    if (!variable) {
      if (constraint !== "" && !satisfied(constraint, values)) return;
      runs.push(new Map(ordered.map(({ name }) => [name, values.get(name) ?? ""])));
      return;
    }
    expandList(variable.value, values).forEach((value, position) => {
      values.set(variable.name, value);
      setFollowers(variable.name, position, variable.name);
      iterate(depth + 1);
    });
    values.delete(variable.name);
  };
  iterate(0);
  return runs;
}

/** @param {string} constraint @param {ReadonlyMap<string, string>} values */
function satisfied(constraint, values) {
  try {
    return evaluate(substituteReferences(constraint, values, "Unknown iteration variable: ")) === true;
  } catch (error) {
    if (!(error instanceof OppError)) throw error;
    throw new OppError(`Cannot evaluate constraint expression: ${error.message}`);
  }
}

/** A list of numbers and ranges, as against an expression. */
const RUN_LIST = /^[\d\s,.-]+$/;

/**
 * @param {string} filter the value of `-r`
 * @param {Assignment[]} runs
 * @returns {number[]}
 */
export function selectRuns(filter, runs) {
  if (filter.trim() === "") return runs.map((_, index) => index);
  if (RUN_LIST.test(filter))
    return splitTopLevel(filter, ",")
      .filter((item) => item !== "")
      .flatMap((item) => runRange(item, filter, runs.length));
  return runs.flatMap((values, index) => (matches(filter, values) ? [index] : []));
}

/** @param {string} item @param {string} filter @param {number} count */
function runRange(item, filter, count) {
  const range = /^(\d+)(?:\s*(?:\.\.|-)\s*(\d+))?$/.exec(item);
  if (!range) throw new OppError(`Syntax error in run list '${filter}'`);
  const from = Number(range[1]);
  const to = range[2] === undefined ? from : Number(range[2]);
  const numbers = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  for (const number of numbers)
    if (number >= count)
      throw new OppError(`Run number ${number} in run list '${filter}' is out of range 0..${count - 1}`);
  return numbers;
}

/** @param {string} filter @param {Assignment} values */
function matches(filter, values) {
  try {
    const text = substituteReferences(filter, values, "Unknown variable ");
    return evaluate(text) === true;
  } catch (error) {
    if (!(error instanceof OppError)) throw error;
    throw new OppError(`Cannot evaluate run filter: ${error.message}`);
  }
}
