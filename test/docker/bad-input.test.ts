import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startEngineStub, type EngineStub } from "../helpers/engine-stub.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";
import { newUser, type Finished, type User } from "../helpers/tool.ts";

/** One sentence and a hint, never a stack trace. */
function expectAdvice({ exitCode, stderr }: Finished, message: string | RegExp, hint: string | RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(hint);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(exitCode).toBe(2);
}

describeWithService("docker", "swarm-tool init --docker tells what is to be changed", () => {
  let user: User;
  beforeAll(async () => {
    user = await newUser();
  });
  afterAll(() => user[Symbol.asyncDispose]());

  const init = (...args: string[]): Promise<Finished> =>
    user.run("swarm-tool", ["init", "--docker", ...args]);
  const initOn = async (stub: EngineStub, ...args: string[]): Promise<Finished> => {
    await using engine = await startEngineStub(stub);
    return await init("--host", engine.host, ...args);
  };

  it("if there is no docker program", async () => {
    const env = { PATH: "/nowhere" };
    const finished = await user.run("swarm-tool", ["init", "--docker"], { env });
    expectAdvice(finished, "docker: command not found", "install the Docker command line");
  });

  it("if Docker does not answer or the target is unknown", async () => {
    const nobody = `unix://${path.join(user.directory, "nobody.sock")}`;
    expectAdvice(await init("--host", nobody), `Docker at ${nobody} is not responding`, "docker info");
    const ssh = await init("--host", "ssh://nobody@127.0.0.1:1");
    expectAdvice(ssh, "ssh cannot connect to 127.0.0.1", "ssh -p 1 nobody@127.0.0.1 docker version");
    expectAdvice(await init("--context", "of-nobody"), "no docker context of-nobody", "context ls");
    const both = await init("--context", "a", "--host", nobody);
    expectAdvice(both, "--host and --context cannot be used together", "give only one of them");
  });

  it("if ssh does not lead to a Docker", async () => {
    const over = async (...lines: string[]): Promise<Finished> => {
      await using folder = await temporaryDirectory();
      await writeFile(path.join(folder.path, "ssh"), `#!/bin/sh\nread -r request\n${lines.join("\n")}\n`, {
        mode: 0o755,
      });
      const env = { PATH: `${folder.path}${path.delimiter}${process.env["PATH"]!}` };
      return await user.run("swarm-tool", ["init", "--docker", "--host", "ssh://me@far"], { env });
    };
    const banner = "echo '** Welcome. All use is logged. **' >&2";
    const none = await over(banner, "echo 'bash: docker: command not found' >&2", "exit 127");
    expectAdvice(none, "far has no docker program for me", "ssh me@far docker version");
    const denied = await over(banner, "echo 'me@far: Permission denied (publickey).' >&2", "exit 255");
    expectAdvice(denied, "ssh cannot connect to far: me@far: Permission denied (publickey).", "ssh me@far");
    const printing = await over("echo loading modules...", "cat >/dev/null");
    expectAdvice(printing, /far prints extra output when a command is run over ssh/, "ssh me@far true");
  });

  it("if Docker is too old", async () => {
    const old = await initOn({ apiVersion: "1.39" });
    expectAdvice(old, /with API version 1\.39; at least 1\.40 is required/, "19.03 or later");
  });

  it("if Docker is not in swarm mode, locked, broken, or a worker", async () => {
    const no = { ControlAvailable: false };
    const none = await initOn({ swarm: { ...no, LocalNodeState: "inactive" } });
    expectAdvice(none, "is not in swarm mode", "docker swarm init");
    const locked = await initOn({ swarm: { ...no, LocalNodeState: "locked" } });
    expectAdvice(locked, /the Docker Swarm of .* is locked/, "docker swarm unlock");
    const broken = await initOn({ swarm: { ...no, Error: "no leader" } });
    expectAdvice(broken, /is not working: no leader/, "docker node ls");
    const worker = await initOn({ swarm: no });
    expectAdvice(worker, /is a worker of its Docker Swarm; only a manager/, "--host ssh://user@manager");
  });

  it("if several machines have no registry for the image to be built", async () => {
    const several = await initOn({ nodes: ["one", "two", "three"] }, "many");
    expectAdvice(several, "this swarm has 3 machines, but no registry", "--registry HOST");
  });

  it("if the manager has too little disk space for an image", async () => {
    const full = await initOn({ buildError: "write /layer.tar: no space left on device" }, "full");
    expectAdvice(full, /cannot build the image inet-swarm-\w+:\w+:[^]*no space left/, "docker system df");
    const other = await initOn(
      { buildError: "the command '/bin/sh -c make' returned a non-zero code: 2" },
      "other",
    );
    expectAdvice(other, /cannot build the image[^]*non-zero code: 2/, "swarm-tool deploy --build");
  });

  it("if the data are on another manager", async () => {
    const images = ["pinned", "--worker-image", "a", "--distcc-image", "b"];
    const other = await initOn({ nodes: ["one", "two"], constraint: "node.id == n1" }, ...images);
    expectAdvice(other, "the data of the stack swarm-pinned are on the machine two", "--host ssh://user@two");
  });

  it("if the swarm is on another Docker, its name is too long, or it exists already", async () => {
    await initOn({ buildError: "no" }, "elsewhere"); // leaves an unfinished swarm
    const other = await initOn({}, "elsewhere");
    expectAdvice(other, "the swarm elsewhere is on another Docker", "choose another name");
    expectAdvice(await init("x".repeat(41)), "is too long for the name of a swarm on Docker", "at most 40");
    expectAdvice(await init("--local"), "--local and --docker cannot be used together", "");
  });

  it("if the archive of OMNeT++ is invalid, or its version is unknown", async () => {
    expectAdvice(await init("--omnetpp-archive", "/nowhere.tgz"), "cannot read the OMNeT++ archive", "");
    expectAdvice(
      await init("--omnetpp-archive", "/tmp"),
      "/tmp is not an archive",
      "give an OMNeT++ release archive",
    );
    expectAdvice(await init("--omnetpp-version", "6.9.9"), "the checksum of this", "--omnetpp-sha256");
  });

  it("if the Docker of a swarm to be removed no longer exists, and how to forget the swarm", async () => {
    await initOn({ buildError: "no" }, "gone"); // leaves an unfinished swarm
    expectAdvice(await user.run("swarm-tool", ["remove", "gone", "--yes"]), "is not responding", "--forget");
    const forgotten = await user.run("swarm-tool", ["remove", "gone", "--forget"]);
    expect(forgotten).toMatchObject({ exitCode: 0, stderr: "" });
    const { stderr } = await user.run("swarm-tool", ["status", "gone"]);
    expect(stderr).toMatch("no swarm named gone");
  });
});
