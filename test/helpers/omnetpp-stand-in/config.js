import process from "node:process";
import { OppError } from "./errors.js";
import { directoryOf, encodeForFileName, resolveFile, unquote, withHost } from "./files.js";
import { OPTIONS, isKnownOption, isPerObjectOption } from "./options.js";
import { patternToRegExp } from "./expression.js";
import { expandScenario, parseVariable, replaceVariables } from "./scenario.js";

/** @typedef {import("./ini.js").Entry} Entry */
/** @typedef {import("./ini.js").Section} Section */
/** @typedef {import("./scenario.js").Assignment} Assignment */

const PREDEFINED = new Set(
  "runid inifile configname runnumber network experiment measurement replication processid datetime datetimef resultdir repetition seedset iterationvars iterationvarsf iterationvarsd".split(
    " ",
  ),
);

/** The sections of the ini files and the `--option`s, which override all of them. */
export class Configuration {
  #sections;
  #commandLine;
  #iniFile;

  /**
   * @param {Section[]} sections @param {{ key: string, value: string }[]} commandLine @param {string} iniFile the first
   * @throws {OppError} if an option or a parent section is unknown
   */
  constructor(sections, commandLine, iniFile) {
    this.#sections = sections.some(({ name }) => name === "General")
      ? sections
      : [{ name: "General", entries: [] }, ...sections];
    this.#iniFile = iniFile;
    for (const { key, value } of commandLine)
      if (value === "") throw new OppError(`Missing value for command-line option --${key}`);
      else if (!key.includes(".") && !isKnownOption(key))
        throw new OppError(`Unknown command-line configuration option --${key}`);
    // of several equal options the last one is used
    this.#commandLine = [...new Map(commandLine.map((each) => [each.key, each])).values()]
      .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
      .map(({ key, value }) => ({
        key: isPerObjectOption(key) ? `**.${key}` : key,
        value,
        base: process.cwd(),
      }));
    for (const { name } of this.#sections) this.chain(name);
    for (const { entries } of this.#sections)
      for (const { key } of entries)
        if (!key.includes(".") && !isKnownOption(key))
          throw new OppError(`Unknown configuration option: ${key}`);
  }

  get names() {
    return this.#sections
      .filter((section) => ownValue(section, "abstract") !== "true")
      .map(({ name }) => name);
  }

  /** @param {string} name */
  #find(name) {
    const found = this.#sections.find((section) => section.name === name);
    if (!found) throw new OppError(`No such config: ${name}`);
    return found;
  }

  /**
   * The section, its ancestors and General, in the order in which they are searched (C3 linearization).
   * @param {string} name @param {readonly string[]} [below] @returns {Section[]}
   */
  chain(name, below = []) {
    if (below.includes(name)) throw new OppError(`Cycle detected in section fallback chain at: ${name}`);
    const lines = this.#linearize(name, below);
    return [...lines.filter((each) => each !== "General"), "General"].map((each) => this.#find(each));
  }

  /** @param {string} name @param {readonly string[]} below @returns {string[]} */
  #linearize(name, below) {
    const parents = (ownValue(this.#find(name), "extends") ?? "")
      .split(",")
      .map((parent) => parent.trim().replace(/^Config\s+/, ""))
      .filter((parent) => parent !== "");
    const lists = parents.map((parent) =>
      this.chain(parent, [...below, name]).map((section) => section.name),
    );
    return [name, ...merge([...lists.map((list) => list.filter((each) => each !== "General")), parents])];
  }

  /** @param {string} name @returns {{ entries: Entry[] }[]} */
  #searched(name) {
    return [{ entries: this.#commandLine }, ...this.chain(name)];
  }

  /** The first value of an option, before `${...}` is filled in. @param {string} name @param {string} key */
  raw(name, key) {
    for (const { entries } of this.#searched(name)) {
      const entry = entries.find((each) => each.key === key);
      if (entry) return entry.value;
    }
    return undefined;
  }

  /** @param {string} name */
  #variables(name) {
    /** @type {import("./scenario.js").IterationVariable[]} */
    const found = [];
    let unnamed = 0;
    for (const { entries } of this.chain(name))
      for (const { value } of entries)
        replaceVariables(value, (body) => {
          const variable = parseVariable(body);
          if (variable.value === "") return "";
          if (variable.name === "") variable.name = String(unnamed++);
          else if (found.some((other) => other.name === variable.name))
            throw new OppError(
              `Scenario generator: Redefinition of iteration variable \${${variable.name}} in the configuration`,
            );
          else if (PREDEFINED.has(variable.name))
            throw new OppError(
              `Scenario generator: \${${variable.name}} is a predefined variable and cannot be changed`,
            );
          found.push(variable);
          return "";
        });
    const repeat = Number(this.raw(name, "repeat") ?? "1");
    return [...found, { name: "repetition", value: `0..${repeat - 1}`, parallelTo: "" }];
  }

  /** @param {string} name @returns {Assignment[]} one for each run */
  runs(name) {
    const variables = this.#variables(name);
    try {
      return expandScenario(
        variables,
        this.raw(name, "iteration-nesting-order") ?? "",
        this.raw(name, "constraint") ?? "",
      );
    } catch (error) {
      if (!(error instanceof OppError) || error.message.startsWith("Scenario")) throw error;
      throw new OppError(`Could not compute number of runs in config ${name}: ${error.message}`);
    }
  }

  /**
   * @param {string} name @param {number} runNumber @param {Assignment} assignment
   * @param {{ processId: number, date: Date }} context
   */
  activate(name, runNumber, assignment, context) {
    const variables = this.#predefined(name, runNumber, assignment, context);
    let unnamed = 0;
    /** @param {string} text @param {boolean} counts whether an unnamed iteration here has a number of its own */
    const fill = (text, counts) =>
      replaceVariables(text, (body) => {
        const variable = parseVariable(body);
        const own = variable.name === "" && counts ? String(unnamed++) : variable.name;
        const value = variables.get(own);
        if (value === undefined) throw new OppError(`No such variable: \${${own}}`);
        return value;
      });
    for (const [variable, option] of [
      ["seedset", "seed-set"],
      ["resultdir", "result-dir"],
      ["experiment", "experiment-label"],
      ["measurement", "measurement-label"],
      ["replication", "replication-label"],
      ["network", "network"],
    ]) {
      if (variable === undefined || option === undefined) continue;
      variables.set(variable, unquote(fill(this.raw(name, option) ?? OPTIONS[option] ?? "", false)));
    }
    if (this.raw(name, "resultdir-subdivision") === "true") {
      const subdivision = `${name}/${variables.get("iterationvarsd") ?? ""}`;
      variables.set("resultdir", `${variables.get("resultdir") ?? ""}/${subdivision}`);
    }
    const entries = this.#searched(name).flatMap((section) =>
      section.entries.map(({ key, value, base }) => ({ key, value: fill(value, true), raw: value, base })),
    );
    return new ActiveRun(name, runNumber, assignment, variables, entries, {
      fill: (text) => fill(text, false),
      base: directoryOf(this.#iniFile),
    });
  }

  /**
   * @param {string} name @param {number} runNumber @param {Assignment} assignment
   * @param {{ processId: number, date: Date }} context
   */
  #predefined(name, runNumber, assignment, { processId, date }) {
    const iterated = [...assignment].filter(([variable]) => variable !== "repetition");
    const [day, time] = stamp(date);
    const dated = `${day}-${time.join(":")}`;
    const safe = iterated.map(
      ([variable, value]) =>
        (/^[a-z]/i.test(variable) ? `${variable}=` : "") + encodeForFileName(value.replace(/"/g, "")),
    );
    return new Map([
      ...assignment,
      ["configname", name],
      ["runnumber", String(runNumber)],
      ["inifile", this.#iniFile],
      ["processid", String(processId)],
      ["datetime", dated],
      ["datetimef", `${day}-${time.join("")}`],
      ["runid", `${name}-${runNumber}-${dated}-${processId}`],
      ["iterationvars", iterated.map(([variable, value]) => `$${variable}=${value}`).join(", ")],
      ["iterationvarsf", safe.length > 0 ? `${safe.join(",")}-` : ""],
      ["iterationvarsd", safe.join("/")],
    ]);
  }
}

/** One run with every `${...}` filled in. */
export class ActiveRun {
  #entries;
  #defaults;

  /**
   * @param {string} configName @param {number} runNumber @param {Assignment} assignment
   * @param {ReadonlyMap<string, string>} variables @param {(Entry & { raw: string })[]} entries
   * @param {{ fill: (text: string) => string, base: string }} defaults what fills in their variables, and the
   *   folder from which their files are meant
   */
  constructor(configName, runNumber, assignment, variables, entries, defaults) {
    this.configName = configName;
    this.runNumber = runNumber;
    this.assignment = assignment;
    this.variables = variables;
    this.#entries = entries;
    this.#defaults = defaults;
  }

  get entries() {
    return this.#entries;
  }

  /** Entries in whose value a variable was filled in. */
  get iterated() {
    return this.entries.filter(({ raw }) => raw.includes("${"));
  }

  /** @param {string} variable */
  variable(variable) {
    return this.variables.get(variable) ?? "";
  }

  /** @param {string} key @returns {string} the value or the default, empty if there is neither */
  option(key) {
    return this.#entries.find((entry) => entry.key === key)?.value ?? this.#defaults.fill(OPTIONS[key] ?? "");
  }

  /** The file that an option names. @param {string} key */
  file(key) {
    const base = this.#entries.find((entry) => entry.key === key)?.base ?? this.#defaults.base;
    const file = resolveFile(base, this.option(key));
    return this.isOn("fname-append-host") ? withHost(file) : file;
  }

  /** @param {string} key */
  isOn(key) {
    return this.option(key) === "true";
  }

  /**
   * A module's parameter or an option of one object: the first entry whose pattern matches.
   * @param {string} path such as `Mm1.queue.serviceRate` @returns {string | undefined}
   */
  ofObject(path) {
    return this.#entries.find(({ key }) => key.includes(".") && patternToRegExp(key).test(path))?.value;
  }
}

/** @param {Section} section @param {string} key */
function ownValue(section, key) {
  return section.entries.find((entry) => entry.key === key)?.value;
}

/** @param {string[][]} lists @returns {string[]} */
function merge(lists) {
  const left = lists.filter((list) => list.length > 0);
  if (left.length === 0) return [];
  const next = left
    .map(([head]) => head)
    .find((head) => left.every((list) => !list.slice(1).includes(head ?? "")));
  if (next === undefined) throw new OppError("Detected cycle or inconsistency in section fallback chain");
  return [next, ...merge(left.map((list) => list.filter((each) => each !== next)))];
}

/** @param {Date} date @returns {[string, string[]]} */
function stamp(date) {
  /** @param {number} number */
  const two = (number) => String(number).padStart(2, "0");
  return [
    `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`,
    [two(date.getHours()), two(date.getMinutes()), two(date.getSeconds())],
  ];
}
