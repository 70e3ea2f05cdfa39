import path from "node:path";
import { kindOf } from "../files/file-kinds.ts";
import type { Mentions } from "../files/mentions.ts";

// Only some rules of a Makefile are executed by a build; those for `clean`, `doc` or `test` usually are not. What only
// they mention does not decide the build. In doubt, a rule counts as executed.

/** The goal that a build makes before the default goal. */
const BUILD_GOALS = ["makefiles"];
/** Targets with a meaning of their own, whose prerequisites are not executed because of them. */
const SPECIAL =
  /^\.(?:PHONY|SUFFIXES|PRECIOUS|INTERMEDIATE|NOTINTERMEDIATE|SECONDARY|DELETE_ON_ERROR|IGNORE|LOW_RESOLUTION_TIME|SILENT|EXPORT_ALL_VARIABLES|NOTPARALLEL|ONESHELL|POSIX)$/;
const ASSIGNMENT =
  /^(?:(?:export|override|private|unexport) +)*[^\s:#=]+\s*(?::{1,3}=|[?+!]?=)|^(?:override +)?define\b/;
/** What makes a Makefile more than its text says. */
const NOT_PARSED = /\beval\b|\.SECONDEXPANSION|\.RECIPEPREFIX/;
const DIRECTIVE = /^ *(?:ifeq|ifneq|ifdef|ifndef|else|endif)\b/;
const INCLUDE = /^ *(?:-|s)?include\b/;
/** Separates words; unlike in a file name, variables are part of a word. */
const BLANKS = /[\s;|&'"`]+/;

interface Rule {
  targets: string[];
  lines: string[];
}

/** A Makefile in parts. */
interface Parsed {
  /** What is not part of a rule: variables, conditions, includes. */
  general: string[];
  rules: Rule[];
  /** Undefined if another file may determine it. */
  defaultGoal: string | undefined;
  /** Whether a file is included before the first rule. */
  mayBeElsewhere: boolean;
}

/**
 * Returns the text of a Makefile without the rules that are not needed for its default goal, for `makefiles`, or for a goal
 * that other scripts of the build name.
 * @param isGoal returns whether they name a target.
 * @see GNU make manual, "Rule Syntax", "Special Built-in Target Names".
 */
function executedText(text: string, isGoal: (target: string) => boolean): string {
  const plain = withoutProse(text);
  const expand = valuesIn(plain);
  const parsed = NOT_PARSED.test(text) ? undefined : parse(plain, expand);
  if (parsed?.defaultGoal === undefined) return plain;
  const { general, rules, defaultGoal } = parsed;
  const names = new Set([defaultGoal, ...BUILD_GOALS]);
  const read = (line: string): void => {
    for (const word of expand(line).split(BLANKS)) names.add(path.posix.basename(word));
  };
  general.forEach(read);
  const chains = rules.some(({ targets }) => targets.some((target) => target.includes("%")));
  const isExecuted = ({ targets }: Rule): boolean =>
    targets.some(
      (target) =>
        /^\.|[$%*?]/.test(target) ||
        names.has(path.posix.basename(target)) ||
        isGoal(target) ||
        mayBeImplicit(target, chains),
    );
  const executed = new Set<Rule>();
  for (let before = -1; before < executed.size;) {
    before = executed.size;
    for (const rule of rules) {
      if (executed.has(rule) || !isExecuted(rule)) continue;
      executed.add(rule);
      rule.lines.forEach(read);
    }
  }
  return [...general, ...[...executed].flatMap(({ lines }) => lines)].join("\n");
}

/**
 * Returns whether make may need a file that no rule names, as the source of another one or because a compiler has found
 * that it is included.
 * @param chains whether the Makefile has pattern rules.
 * @see GNU make manual, "Catalogue of Built-In Rules", "Chains of Implicit Rules".
 */
function mayBeImplicit(target: string, chains: boolean): boolean {
  return path.posix.extname(target) !== "" && (chains || kindOf(target) !== "data");
}

/**
 * Returns a function that replaces the variables of a Makefile that are assigned once, in a way that does not need make, by
 * their values. Whoever starts make may give them others.
 */
function valuesIn(makefile: string): (line: string) => string {
  const assigned = [...makefile.matchAll(/^ *([\w.-]+) *([:+?!]*=) *([^#\n]*?) *$/gm)];
  const values = new Map(assigned.map(([, name, operator, value]) => [name!, { operator, value: value! }]));
  const isPlain = (name: string): boolean =>
    assigned.filter(([, each]) => each === name).length === 1 &&
    /^:{0,3}=$/.test(values.get(name)!.operator!) &&
    /^[\w./ -]*$/.test(values.get(name)!.value);
  const plain = new Map([...values].flatMap(([name, { value }]) => (isPlain(name) ? [[name, value]] : [])));
  return (line) =>
    line.replaceAll(
      /\$(?:\(([\w.-]+)\)|\{([\w.-]+)\})/g,
      (reference, round?: string, curly?: string) => plain.get(round ?? curly ?? "") ?? reference,
    );
}

function parse(text: string, expand: (line: string) => string): Parsed {
  const parsed: Parsed = { general: [], rules: [], defaultGoal: undefined, mayBeElsewhere: false };
  let rule: Rule | undefined;
  let isDefinition = false;
  for (const line of text.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/)) {
    const targets = isDefinition ? undefined : targetsIn(expand(line));
    isDefinition = isDefinition ? !/^ *endef\b/.test(line) : /^ *(?:override +)?define\b/.test(line);
    if (rule !== undefined && line.startsWith("\t")) rule.lines.push(line);
    else if (targets !== undefined) rule = addRule(parsed, targets, line);
    else {
      addGeneral(parsed, line);
      if (!isBetween(line)) rule = undefined;
    }
  }
  return parsed;
}

/** Returns whether the lines after a line may continue the rule before it. */
function isBetween(line: string): boolean {
  return line.trim() === "" || DIRECTIVE.test(line);
}

function addGeneral(parsed: Parsed, line: string): void {
  parsed.general.push(line);
  if (INCLUDE.test(line)) parsed.mayBeElsewhere ||= parsed.defaultGoal === undefined;
  parsed.defaultGoal = /^ *\.DEFAULT_GOAL *:?= *(\S+)/.exec(line)?.[1] ?? parsed.defaultGoal;
}

function addRule(parsed: Parsed, targets: string[], line: string): Rule {
  if (targets.every((target) => SPECIAL.test(target))) return { targets, lines: [] };
  const rule = { targets, lines: [line] };
  parsed.rules.push(rule);
  if (!parsed.mayBeElsewhere) parsed.defaultGoal ??= targets.find((target) => !/^\.[^/]*$|%/.test(target));
  return rule;
}

/** Returns the targets of a line that begins a rule; undefined for another line. */
function targetsIn(line: string): string[] | undefined {
  if (/^[\t#]/.test(line) || ASSIGNMENT.test(line.trimStart()) || DIRECTIVE.test(line) || INCLUDE.test(line))
    return undefined;
  const end = colonAt(line);
  if (end === undefined) return undefined;
  const targets = line.slice(0, end).split(/\s+/).filter(Boolean);
  return targets.length > 0 ? targets : undefined;
}

/** Returns the position of the first colon outside variables and functions such as `$(SOURCES:.cc=.o)`. */
function colonAt(line: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!;
    if ("({".includes(character)) depth++;
    else if (")}".includes(character)) depth--;
    else if (character === "#") return undefined;
    else if (character === ":" && depth === 0) return at;
  }
  return undefined;
}

/** Returns a Makefile or a part of one without comments and messages. A `#` after a quotation mark may be text. */
export function withoutProse(makefile: string): string {
  return makefile
    .replaceAll(/^(?! *\t)([^#\n"'\\]*)#.*$|^\s*#.*$/gm, "$1")
    .replaceAll(/\$\((?:error|warning|info) [^()]*\)/g, "");
}

/** Returns whether a script runs make for a goal that is the value of a variable, such as `$@`. */
export function makesAnyGoal(text: string): boolean {
  if (/["']g?make["']\s*[,\]]/.test(text)) return true; // a list of arguments, as in Python
  const calls = text.replaceAll(/\\\r?\n/g, " ").matchAll(/(?:\$[({]?MAKE\b[)}]?|\bg?make\b)([^\n;&|]*)/g);
  return [...calls].some(([, args]) => {
    const goals = args!.replaceAll(/\s(?:-[CfIj]\s*\S+|-\S+|[\w.]+\s*[:+?]?=\s*\S+)/g, " ");
    return /(?:^|\s)["']?\$/.test(goals);
  });
}

/** The Makefiles of a build, of which only the rules for the goals that the build makes are of interest. */
export class Makefiles {
  readonly #mentions: Mentions;
  /** From the text of each to what was returned of it. */
  readonly #texts = new Map<string, string>();
  #allGoals = false;

  constructor(mentions: Mentions) {
    this.#mentions = mentions;
  }

  read(text: string): void {
    this.#texts.set(text, "");
  }

  addAllGoals(): void {
    this.#allGoals = true;
  }

  /** Returns the texts of Makefiles in which more rules are executed than at the last call. */
  newTexts(): string[] {
    const isGoal = (target: string): boolean => this.#allGoals || this.#mentions.hasName(target);
    return [...this.#texts].flatMap(([text, before]) => {
      const executed = executedText(text, isGoal);
      this.#texts.set(text, executed);
      return executed === before ? [] : [executed];
    });
  }
}
