import js from "@eslint/js";
import vitest from "@vitest/eslint-plugin";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const PROCESS_EXIT = {
  selector: "CallExpression[callee.object.name='process'][callee.property.name='exit']",
  message: "Set process.exitCode in bin/, or throw: the library never ends the process.",
};
const BULL_LAYOUT = {
  selector: String.raw`Literal[value=/^bull:|^(processedOn|finishedOn|returnvalue|failedReason)$/], TemplateElement[value.raw=/^bull:/]`,
  message: "BullMQ's keys and fields are known in src/queue/bull-layout.ts only.",
};
const COMPUTED_IMPORT = {
  selector: "ImportExpression[source.type!='Literal']",
  message: "Name the module literally, so that dependency-cruiser sees the import.",
};
const OMNETPP_PRINTS = String.raw`Preparing for running|Assigned runID|Run statistics|\*\* Event|Calling finish|^<!>|Redirecting output`;
const OMNETPP_NAMES = String.raw`^\.(sca|vec|vci|elogi?|sna)$|^(omnetpp\.ini|runconfig)$|^--(result-dir|output-(scalar|vector)-file|eventlog-file|snapshot-file|cmdenv-|ned-path|load-libs)`;
const OMNETPP_FORMATS = {
  selector: [
    `Literal[value=/${OMNETPP_PRINTS}|${OMNETPP_NAMES}/]`,
    String.raw`Literal[regex.pattern=/${OMNETPP_PRINTS}|\b(sca|vec|vci|elogi?)\b|^\^--\(/]`,
    `TemplateElement[value.raw=/${OMNETPP_PRINTS}|${OMNETPP_NAMES}/]`,
  ].join(", "),
  message: "OMNeT++'s formats are known in src/omnetpp only.",
};
const IMPORT = ":matches(ImportDeclaration, ImportExpression, ExportNamedDeclaration, ExportAllDeclaration)";
const PROGRAMS = {
  selector: String.raw`${IMPORT}[source.value=/^(node:)?child_process$|^execa$/]`,
  message: "Programs are started by src/system/program.ts only.",
};
const GIT = [
  `${IMPORT}[source.value="simple-git"]`,
  'CallExpression[callee.name=/^(runProgram|runLogged|startPiped|startLeader|outputOf)$/][arguments.0.value="git"]',
].map((selector) => ({ selector, message: "Git is asked by src/project/git/commands only." }));
const LINUX_ONLY = {
  selector: String.raw`Literal[value=/^\u002f(proc|sys)\u002f/], TemplateElement[value.raw=/^\u002f(proc|sys)\u002f/]`,
  message: "macOS has no /proc and no /sys: the modules that read them name a replacement or do without.",
};
const KIND_OF_SWARM = {
  selector: ":matches(BinaryExpression, SwitchStatement) > MemberExpression[property.name='target']",
  message: "What depends on the kind of a swarm belongs into its provider: see providers/provider.",
};
const RECENT_SYNTAX = {
  selector: [
    ":matches(ImportDeclaration, ExportNamedDeclaration, ChainExpression, AwaitExpression, PropertyDefinition)",
    "LogicalExpression[operator='??']",
    String.raw`AssignmentExpression[operator=/^(\?\?|\|\||&&)=$/]`,
  ].join(", "),
  message: "An old Node.js must get as far as the message that it is too old.",
};
const UNCLEAR_WORDS = [
  "anew",
  "at once",
  "brings",
  "he",
  "him",
  "his",
  "mend",
  "mends",
  "tell",
  "tells",
  "told",
];

const RESTRICTED = [
  PROCESS_EXIT,
  COMPUTED_IMPORT,
  BULL_LAYOUT,
  OMNETPP_FORMATS,
  PROGRAMS,
  GIT,
  KIND_OF_SWARM,
  LINUX_ONLY,
];

/**
 * Returns the setting of `no-restricted-syntax` with all restrictions except those that do not apply in a
 * place.
 * @param {typeof RESTRICTED} exceptions
 * @returns {["error", ...{ selector: string, message: string }[]]}
 */
function everywhereBut(...exceptions) {
  return ["error", ...RESTRICTED.filter((each) => !exceptions.includes(each)).flat()];
}

// Which folder imports from which is checked by dependency-cruiser.config.js.
export default defineConfig(
  { ignores: ["dist/", "node_modules/", "test/fixtures/", "coverage/", "examples/**/results/", ".cache/"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-undef": "off", // TypeScript reports undefined names
      "@typescript-eslint/no-non-null-assertion": "off",
      "no-restricted-syntax": ["error", PROCESS_EXIT],
    },
  },
  { files: ["src/**/*.{ts,tsx}"], ignores: ["src/cli/**"], rules: { "no-console": "error" } },
  { files: ["src/**/*.{ts,tsx}"], rules: { "no-restricted-syntax": everywhereBut(KIND_OF_SWARM) } },
  { files: ["src/cli/**/*.ts"], rules: { "no-restricted-syntax": everywhereBut() } },
  ...[
    { files: ["src/queue/bull-layout.ts"], places: [BULL_LAYOUT] },
    { files: ["src/omnetpp/**/*.ts"], places: [OMNETPP_FORMATS] },
    { files: ["src/omnetpp/{resource-limits,usage}.ts"], places: [OMNETPP_FORMATS, LINUX_ONLY] },
    { files: ["src/system/program.ts"], places: [PROGRAMS] },
    { files: ["src/project/git/commands/*.ts"], places: [GIT] },
    {
      files: ["src/system/{descendants,host,identity,machine-memory,marked-processes}.ts"],
      places: [LINUX_ONLY],
    },
    { files: ["src/providers/found-processes.ts"], places: [LINUX_ONLY] },
  ].map(({ files, places }) => ({
    files,
    rules: { "no-restricted-syntax": everywhereBut(...places, KIND_OF_SWARM) },
  })),
  {
    files: ["bin/*.js"],
    rules: {
      "no-restricted-syntax": ["error", PROCESS_EXIT, RECENT_SYNTAX],
    },
  },
  { files: ["bin/*.js", "**/*.cjs"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  {
    // The highest values in the code so far, so that nothing gets worse: split a function or file that exceeds one.
    files: ["src/**/*.{ts,tsx}"],
    rules: {
      complexity: ["error", { max: 16, variant: "modified" }], // a switch with short cases counts as one branch
      "max-depth": ["error", 4],
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", { max: 70, skipBlankLines: true, skipComments: true }],
      "max-params": ["error", 5],
    },
  },
  {
    // Each of these functions returns an object of short methods that share its variables.
    files: ["src/providers/{docker/docker,local/local}.ts", "src/queue/follow.ts"],
    rules: { "max-lines-per-function": ["error", { max: 185, skipBlankLines: true, skipComments: true }] },
  },
  {
    // This is the last version of the plugin that supports Node.js 20.
    files: ["test/**/*.ts"],
    plugins: { vitest },
    settings: { vitest: { typecheck: true } },
    rules: {
      // A helper that asserts something has such a name, so that every test visibly asserts something.
      "vitest/expect-expect": [
        "error",
        { assertFunctionNames: ["expect", "expect*", "always", "fc.assert"] },
      ],
      "vitest/no-commented-out-tests": "error",
      "vitest/no-disabled-tests": "error", // only helpers skip tests: with a warning, or a failure in CI
      "vitest/no-focused-tests": "error",
      "vitest/no-identical-title": "error",
      "vitest/no-import-node-test": "error",
      "vitest/require-awaited-expect-poll": "error",
      "vitest/valid-describe-callback": "error",
      "vitest/valid-expect": ["error", { maxArgs: 2 }], // the second one is printed if the assertion fails
      "vitest/valid-expect-in-promise": "error",
      "vitest/valid-title": ["error", { disallowedWords: UNCLEAR_WORDS }],
    },
  },
  {
    files: ["test/helpers/*.ts"], // some of them wrap describe()
    rules: { "vitest/no-disabled-tests": "off", "vitest/valid-describe-callback": "off" },
  },
  { files: ["**/*.js", "**/*.mjs"], rules: { "@typescript-eslint/explicit-function-return-type": "off" } },
);
