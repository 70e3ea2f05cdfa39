import path from "node:path";
import { targetFile } from "../../omnetpp/targets.ts";
import { iniFiles } from "../../omnetpp/named-files.ts";
import { identityOf } from "../plan/identity.ts";
import { planFrom, type CampaignPlan } from "../plan/plan.ts";
import type { CampaignRequest } from "../plan/request.ts";
import { plannedKey, type ProjectPlan } from "../plan/plan-project.ts";
import { measureShipment } from "./send-source.ts";
import { locateStudy, type StudyContext } from "../plan/study-context.ts";

/** Facts about one subject; keys are in camelCase, undefined values are left out. */
export type Facts = Record<string, string | number | boolean | readonly string[] | undefined>;

/** A section of the explanation: `project`, `build`, … */
export interface Section {
  name: string;
  facts: Facts;
}

/**
 * Explains what a campaign would consist of, and why. Nothing is built, sent or queued. What is found before
 * an error is yielded before the error is thrown.
 * @throws {UserError} as `planCampaign` does.
 */
export async function* explainCampaign(
  request: CampaignRequest,
  signal: AbortSignal,
): AsyncGenerator<Section> {
  const steps = locateStudy(request, signal);
  const known: Partial<StudyContext> = {};
  let here: StudyContext | undefined;
  while (here === undefined) {
    const step = await steps.next();
    if (step.done === true) here = step.value;
    else yield* sectionsOf(Object.assign(known, step.value), step.value);
  }
  await using plan = await planFrom(here, request, signal);
  yield { name: "omnetpp", facts: { ...plan.build.omnetpp, mode: plan.build.mode } };
  yield runsSection(plan);
  yield buildSection(here, plan);
  for (const each of plan.dependencies)
    yield { name: `build of ${each.about.name}`, facts: buildFacts(each) };
  yield await sourceSection(plan, signal);
  yield await identitySection(plan);
}

/** Yields the sections about what one step has found. */
function* sectionsOf(known: Partial<StudyContext>, found: Partial<StudyContext>): Generator<Section> {
  const { study, args, checkout } = known;
  if (found.study !== undefined)
    yield { name: "study", facts: { folder: study, iniFiles: iniFiles(args ?? []) } };
  if (found.checkout !== undefined) yield { name: "checkout", facts: { folder: checkout?.top } };
  if (found.project !== undefined && checkout !== undefined)
    yield projectSection(checkout.top, found.project);
  if (found.dependencies !== undefined) yield* neededSections(found);
}

function projectSection(top: string, project: StudyContext["project"]): Section {
  const { name, folder, reason, nedFolders, nedExclusions, makefile, makemake, ship } = project;
  const environment = Object.keys(project.environment);
  return {
    name: "project",
    facts: {
      name,
      folder: path.join(top, folder),
      chosenBecause: reason,
      nedFolders: nedFolders.map((each) => each || "."),
      nedExclusions,
      makefile,
      makemake: makemake.map((each) => `${each.folder || "."}: opp_makemake ${each.options.join(" ")}`),
      buildCommands: project.commands,
      alsoSent: ship,
      environment,
    },
  };
}

function* neededSections({ dependencies = [], leftOut = [] }: Partial<StudyContext>): Generator<Section> {
  for (const { need, checkout, project } of dependencies) {
    yield {
      name: `needed project ${need.name}`,
      facts: {
        folder: path.join(checkout.top, project.folder),
        statedIn: need.statedIn,
        variable: need.variable,
        nedFolders: project.nedFolders,
      },
    };
  }
  for (const { name, statedIn } of leftOut)
    yield {
      name: `project ${name}`,
      facts: { statedIn, leftOut: "not found, and nothing seems to use it" },
    };
}

function runsSection({ runs, campaign, studyDirectory, resultDirectory, outputs }: CampaignPlan): Section {
  return {
    name: "runs",
    facts: {
      config: campaign.config,
      number: runs.length,
      nedPath: campaign.nedPath ?? ".",
      resultDirectory: path.relative(studyDirectory, resultDirectory) || ".",
      outsideTheCheckout: outputs.outside,
      addedOptions: campaign.addedOptions,
    },
  };
}

function buildSection({ project, program }: StudyContext, plan: CampaignPlan): Section {
  const { execution, build } = plan;
  const named = execution.program;
  const targets = project.targets.map((target) => targetFile(target, build.mode));
  return {
    name: "build",
    facts: {
      ...buildFacts(plan),
      expectedTargets: targets,
      targetsNamedBy: project.isDeclared ? "swarm.json or an .opp file" : "the build",
      program:
        named === undefined
          ? "chosen from the build's products"
          : named.kind === "project"
            ? named.path
            : "opp_run",
      runsListedBy: program.local,
    },
  };
}

function buildFacts(plan: ProjectPlan): Facts {
  const { recipe } = plan.build;
  const { ownBuild, sources } = plan;
  return {
    builtBy: describeRecipe(recipe),
    ownBinaries: ownBuild.ok ? `used: ${ownBuild.build.products.join(", ")}` : `not used: ${ownBuild.reason}`,
    data: ownBuild.ok ? ownBuild.build.data : undefined,
    sourceFiles: sources.length,
    key: plannedKey(plan),
  };
}

function describeRecipe(recipe: ProjectPlan["build"]["recipe"]): string {
  switch (recipe.kind) {
    case "none":
      return "nothing: the project has no code";
    case "configure":
      return "configure, then make";
    case "make":
      return `the Makefile in ${recipe.folder || "."}`;
    case "makemake":
      return `opp_makemake, then make, in ${recipe.folders.map(({ folder }) => folder || ".").join(", ")}`;
    case "commands":
      return recipe.commands.join("; ");
  }
}

async function sourceSection({ code, dependencies }: CampaignPlan, signal: AbortSignal): Promise<Section> {
  const { sizeBytes } = await measureShipment(code, signal);
  const warnings = [code, ...dependencies.map((each) => each.code)].flatMap((each) => each.warnings);
  return {
    name: "source",
    facts: {
      commit: code.commit,
      files: code.entries.length,
      differingFromCommit: code.changed,
      bytesToSend: sizeBytes,
      warnings: [...new Set(warnings)],
    },
  };
}

async function identitySection(plan: CampaignPlan): Promise<Section> {
  const codes = new Set([plan, ...plan.dependencies].map(({ code }) => code));
  const files = [...codes].flatMap((code) =>
    code.entries.map((entry) => ({ file: entry.path, counts: plan.runSources.canRead(code, entry.path) })),
  );
  const unread = files.filter(({ counts }) => !counts).map(({ file }) => file);
  return {
    name: "identity",
    facts: {
      identity: await identityOf(plan),
      filesThatCount: files.length - unread.length,
      filesThatDoNotCount: unread,
    },
  };
}
