import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { completeIn, SHELLS } from "../helpers/shells.ts";
import { eventually, queued, researcher, type Researcher } from "../helpers/swarm.ts";

for (const shell of SHELLS) {
  describeWithService([shell, "script", "redis-server"], `the Tab key in ${shell}`, () => {
    let user: Researcher;
    let id: string;
    let cwd: string;

    beforeAll(async () => {
      user = await researcher(0, 1);
      id = await queued(user, "-c", "Quick");
      cwd = path.join(user.directory, "files");
      await mkdir(cwd);
      await writeFile(path.join(cwd, "a model.so"), "");
      await writeFile(path.join(cwd, "other.ini"), "");
    });
    afterAll(() => user[Symbol.asyncDispose]());

    /** Tab gives up after three seconds on a busy machine, as intended, so it is pressed again. */
    const expectTab = async (line: string, args: readonly string[], where = cwd): Promise<void> => {
      const options = { folder: user.directory, cwd: where, env: user.env };
      await eventually(async () => expect(await completeIn(shell, line, options)).toEqual(args));
    };

    it("completes commands and options", async () => {
      await expectTab("runall-swarm ret", ["retry"]);
      await expectTab("runall-swarm compl", ["completion"]);
      await expectTab("runall-swarm completion f", ["completion", "fish"]);
      await expectTab("runall-swarm --he", ["--help"]);
      await expectTab("runall-swarm attach --he", ["attach", "--help"]);
      await expectTab("swarm-tool compl", ["completion"]);
      await expectTab("swarm-tool init --instance-type c7i.2", ["init", "--instance-type", "c7i.2xlarge"]);
    });

    it("completes what exists: swarms, campaigns, runs, configs", async () => {
      await expectTab("swarm-tool halt lo", ["halt", "local"]);
      await expectTab("runall-swarm --swarm=lo", ["--swarm=local"]);
      await expectTab(`runall-swarm attach ${id.slice(0, 5)}`, ["attach", id]);
      await expectTab("runall-swarm cancel las", ["cancel", "last"]);
      await expectTab(`runall-swarm logs ${id} 7`, ["logs", id, "7"]);
      await expectTab("runall-swarm -c Qu", ["-c", "Quick"], user.sample.study);
    });

    it("quotes a value with a space", async () => {
      const folder = path.join(user.env["HOME"]!, ".aws");
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, "config"), "[profile student lab]\n");
      await expectTab("swarm-tool init --profile stu", ["init", "--profile", "student lab"]);
    });

    it("completes files where a file is meant", async () => {
      await expectTab("runall-swarm -f oth", ["-f", "other.ini"]);
      await expectTab("runall-swarm -l a", ["-l", "a model.so"]);
      await expectTab("runall-swarm -n oth", ["-n", "other.ini"]);
      await expectTab("swarm-tool init --template oth", ["init", "--template", "other.ini"]);
    });

    it("completes nothing where a number is meant, although there are files", async () => {
      await expectTab("swarm-tool init --workers oth", ["init", "--workers", "oth"]);
      await expectTab("runall-swarm --retries oth", ["--retries", "oth"]);
      await expectTab("runall-swarm attach x oth", ["attach", "x", "oth"]);
    });
  });
}
