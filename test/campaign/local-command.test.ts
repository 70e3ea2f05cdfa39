import { expect, it } from "vitest";
import { localCommand } from "../../src/campaign/collect/local-command.ts";
import type { Campaign } from "../../src/model/campaign.ts";
import { someCampaign } from "../helpers/campaign.ts";

const STUDY = { gitTop: "/home/ada/my checkout", directory: "/home/ada/my checkout/simulations" };
const RUN = { config: "Load", runNumber: 12 };
const NOTE = "It writes the same result files as the run, and uses the files of the study as they are now.";

const inet = {
  name: "inet",
  tree: "b".repeat(40),
  source: { commit: "c".repeat(40) },
  checkoutName: "inet",
  project: "",
  buildKey: "key",
  variable: "INET_ROOT",
  nedFolders: ["src", "examples"],
  libraries: ["src/INET"],
};

const local = (entries: Partial<Campaign>): string[] => {
  const { command, notes } = localCommand(someCampaign(entries), STUDY, RUN);
  return [command, ...notes];
};

it("repeats a run with the simulator and the project's library", () => {
  expect(local({ libraries: ["../src/mm1"], nedPath: ".:../src", mode: "debug" })).toEqual([
    "cd '/home/ada/my checkout/simulations' && opp_run_dbg -m -u Cmdenv -c Load -r 12 -l ../src/mm1 -n .:../src",
    NOTE,
  ]);
});

it("repeats a run with the project's own program and the user's arguments, without what only workers need", () => {
  const args = ["-f", "other.ini", "-c", "Load", "-r", "0..99", "-u", "Cmdenv", "--x=a b's"];
  const program = { kind: "project", path: "simulations/mm1" } as const;
  const more = { arguments: args, addedOptions: ["--cmdenv-express-mode=true"], program };
  expect(local({ ...more, libraries: ["../src/mm1"] })).toEqual([
    String.raw`cd '/home/ada/my checkout/simulations' && ./mm1 -m -u Cmdenv -c Load -r 12 -f other.ini '--x=a b'\''s'`,
    NOTE,
  ]);
  expect(local({ program: { kind: "project", path: "src/mm1" } })[0]).toContain("&& ../src/mm1 -m -u Cmdenv");
});

it("refers to needed projects by their variables, and to those of the same checkout by their paths", () => {
  const { source: _, ...beside } = {
    ...inet,
    name: "common",
    project: "common",
    nedFolders: ["common/ned"],
    libraries: ["common/lib"],
  };
  const campaign = { dependencies: [inet, beside], libraries: ["../src/mm1"], nedPath: "." };
  expect(local(campaign)).toEqual([
    `cd '/home/ada/my checkout/simulations' && opp_run_release -m -u Cmdenv -c Load -r 12 -l "$INET_ROOT"/src/INET -l ../common/lib -l ../src/mm1 -n .:"$INET_ROOT"/src:"$INET_ROOT"/examples:../common/ned`,
    NOTE,
    "INET_ROOT must contain the folder of inet.",
  ]);
});

it("says what it does not know, and which variables the campaign set, without their values", () => {
  const { libraries: _, ...unbuilt } = inet;
  const campaign = {
    dependencies: [unbuilt],
    environment: { MODEL_PATH: "secret" },
    namedEnvironment: { LICENSE: "secret" },
  };
  const [command, ...notes] = local(campaign);
  expect(notes).toEqual([
    NOTE,
    "INET_ROOT must contain the folder of inet.",
    "Add the libraries of inet with -l: their names are known only after its build.",
    "The campaign also set the environment variables MODEL_PATH, LICENSE.",
  ]);
  expect([command, ...notes].join(" ")).not.toContain("secret");
});

it("is one command for a shell, whatever a configuration contains", () => {
  const hostile = { config: "$(reboot)`x`;rm -rf", runNumber: 0 };
  const { command } = localCommand(
    someCampaign({ dependencies: [inet], arguments: ["--a=$INET_ROOT;$HOME\n"] }),
    STUDY,
    hostile,
  );
  expect(command).toContain("-c '$(reboot)`x`;rm -rf' -r 0");
  expect(command).toContain("'--a=$INET_ROOT;$HOME\n'");
});
