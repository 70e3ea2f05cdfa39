/** @import { IConfiguration, IForbiddenRuleType } from "dependency-cruiser" */

/**
 * The rows of the layer diagram in docs/architecture.md, from the top. A module imports from rows below its own and from
 * its own folder, never from another folder of its row and never from a row above.
 */
const ROWS = [
  ["cli"],
  ["campaign", "worker", "providers", "dashboard"],
  ["project"],
  ["omnetpp", "queue", "stores"],
  ["model", "system"],
];

/**
 * The parts of a folder, from the top: each imports from those after it. `.` is what lies in the folder itself. Parts in
 * one row do not import from each other.
 * @type {Readonly<Record<string, readonly (readonly string[])[]>>}
 */
const PARTS = {
  cli: [["."], ["runall", "tool"], ["worker"], ["swarm"], ["terminal"]],
  campaign: [["run"], ["plan"], ["collect"]],
  worker: [["."], ["execute"], ["build"], ["tree"]],
  project: [["build"], ["describe"], ["git"], ["files"]],
  providers: [["kinds"], ["aws"], ["docker"], ["local"], ["."]],
};

/**
 * @param {string} name
 * @param {string} from
 * @param {readonly string[]} to
 * @returns {IForbiddenRuleType[]}
 */
function forbid(name, from, to) {
  if (to.length === 0) return [];
  return [{ name, severity: "error", from: { path: from }, to: { path: to.map((each) => `^src/${each}`) } }];
}

const layers = ROWS.flatMap((row, index) =>
  row.flatMap((folder) =>
    forbid(
      `layers: src/${folder}`,
      `^src/${folder}/`,
      ROWS.slice(0, index + 1)
        .flat()
        .filter((other) => other !== folder)
        .map((other) => `${other}/`),
    ),
  ),
);

const parts = Object.entries(PARTS).flatMap(([folder, rows]) =>
  rows.flatMap((row, index) =>
    row.flatMap((part) => {
      const above = rows.slice(0, index + 1).flat();
      const others = above.filter((other) => other !== part).map((other) => place(folder, other));
      return forbid(`parts: src/${folder}/${part}`, `^src/${place(folder, part)}`, others);
    }),
  ),
);

/** @param {string} folder @param {string} part */
function place(folder, part) {
  return part === "." ? `${folder}/[^/]+$` : `${folder}/${part}/`;
}

/** Each file of a divided folder is in one of its parts: a new part is named above. */
const unnamed = Object.entries(PARTS).flatMap(([folder, rows]) => {
  const known = rows.flat().map((part) => `^src/${place(folder, part)}`);
  return [
    {
      name: `parts of src/${folder} are named here`,
      severity: /** @type {const} */ ("error"),
      from: {},
      to: { path: `^src/${folder}/`, pathNot: known },
    },
  ];
});

/** @type {IConfiguration} */
export default {
  forbidden: [
    ...layers,
    ...forbid("layers: src/project needs no services", "^src/project/", ["queue/", "stores/"]),
    ...parts,
    ...unnamed,
    {
      name: "git is asked by src/project/git/commands only",
      severity: "error",
      from: { pathNot: "^src/project/git/commands/" },
      to: { path: "^src/project/git/commands/ask", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "layers: src/dashboard/page runs in a browser",
      severity: "error",
      from: { path: "^src/dashboard/page/" },
      to: { path: "^src/", pathNot: ["^src/dashboard/page/", "^src/model/"] },
    },
    { name: "no circles", severity: "error", from: {}, to: { circular: true } },
    { name: "layers: src/errors", severity: "error", from: { path: "^src/errors" }, to: { path: "^src/" } },
  ],
  options: {
    includeOnly: "^src/",
    tsPreCompilationDeps: true, // what is imported for its types counts, and so does import()
    tsConfig: { fileName: "tsconfig.build.json" },
  },
};
