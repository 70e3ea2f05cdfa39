import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { simulate, type SimulationLimits } from "../../src/omnetpp/simulate.ts";
import { identify } from "../../src/system/identity.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

/** Long enough for a shell to start on a busy machine. */
const TIMEOUT_MS = 3000;

const limits = (more: Partial<SimulationLimits> = {}): SimulationLimits => ({
  timeoutMs: undefined,
  graceMs: 5000,
  signal: new AbortController().signal,
  ...more,
});

async function run(script: string, how: SimulationLimits = limits()) {
  await using directory = await temporaryDirectory();
  const outputFile = path.join(directory.path, "output");
  const heard: string[] = [];
  let pid = 0;
  const end = await simulate(
    { program: "/bin/sh", args: ["-c", script], directory: "/", env: process.env, outputFile },
    { write: (text, stream) => void heard.push(`${stream}: ${text}`) },
    (identity) => (pid = identity?.pid ?? 0),
    how,
  );
  return { end, heard, output: await readFile(outputFile, "utf8"), pid };
}

it("stores both streams of a simulation, and passes output on immediately", async () => {
  const { end, heard, output } = await run("echo one; echo two >&2; exit 3");
  expect(end).toMatchObject({ exitCode: 3, signal: null, timedOut: false, cancelled: false });
  expect(heard.sort()).toEqual(["stderr: two\n", "stdout: one\n"]);
  expect(output.split("\n").sort()).toEqual(["", "one", "two"]);
});

it("interrupts a simulation that takes too long, which can still write its results", async () => {
  const { end, output } = await run(
    'trap "echo finish; exit 2" INT; while :; do sleep 0.02; done',
    limits({ timeoutMs: TIMEOUT_MS }),
  );
  expect(end).toMatchObject({ exitCode: 2, timedOut: true, cancelled: false });
  expect(output).toBe("finish\n");
});

it("kills a simulation that ignores the interrupt, with all processes that it has started", async () => {
  const stop = new AbortController();
  const running = run(
    'trap "" INT; sleep 100 & echo $!; stop=1; wait; wait',
    limits({ graceMs: 50, timeoutMs: TIMEOUT_MS, signal: stop.signal }),
  );
  const { end, output } = await running;
  expect(end).toMatchObject({ exitCode: null, signal: "SIGKILL", timedOut: true });
  await expect.poll(() => identify(Number(output))).toBeUndefined();
});

it("is killed without a grace period if there is no time for one", async () => {
  const kill = new AbortController();
  const running = run(
    'trap "" INT; echo started; while :; do sleep 0.02; done',
    limits({ kill: kill.signal, graceMs: 3600_000 }),
  );
  setTimeout(() => kill.abort(), 200);
  expect((await running).end).toMatchObject({ signal: "SIGKILL", cancelled: true, outOfMemory: false });
});

it("is cancelled by a signal", async () => {
  const stop = new AbortController();
  setImmediate(() => stop.abort());
  const { end } = await run("sleep 100", limits({ signal: stop.signal }));
  expect(end).toMatchObject({ cancelled: true, timedOut: false });
});

it.runIf(process.platform === "linux")(
  "does not wait for a process that left its group and keeps the output open",
  async () => {
    const { end, output } = await run(
      'out=$(mktemp); setsid sh -c \'echo $$ >"$0"; exec sleep 1000\' "$out" & ' +
        'until [ -s "$out" ]; do sleep 0.02; done; cat "$out"; rm "$out"',
    );
    const leftover = Number(output);
    expect(identify(leftover)).toBeDefined();
    process.kill(leftover);
    expect(end).toMatchObject({ exitCode: 0, timedOut: false, cancelled: false });
  },
);

it.runIf(process.platform === "linux")("records CPU time and memory of a run of one second", async () => {
  const script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; times; echo end";
  const { end, output } = await run(script);
  // The shell's own report of its user and system time: `0m0.310000s 0m0.020000s`.
  const [, user, system] = /^0m([\d.]+)s 0m([\d.]+)s$/m.exec(output)!;
  const spentMs = (Number(user) + Number(system)) * 1000;
  expect(spentMs).toBeGreaterThan(100);
  expect(end.usage.cpuTimeMs).toBeGreaterThan(0.8 * spentMs - 50);
  expect(end.usage.cpuTimeMs).toBeLessThan(1.2 * spentMs + 50);
  expect(end.usage.peakMemoryBytes).toBeGreaterThan(100_000);
});

it("keeps the beginning and the end of a very long output", async () => {
  const { end, output } = await run("echo first; yes | head -c 40000000; echo last");
  expect(end.exitCode).toBe(0);
  expect(output).toMatch(/^first\ny\n/);
  expect(output).toMatch(/\ny\nlast\n$/);
  expect(output).toMatch(new RegExp(`\n… ${end.omittedOutputBytes} bytes of the output omitted`));
  expect(output.length).toBeLessThan(21 << 20);
  expect(end.omittedOutputBytes).toBeGreaterThan(15_000_000);
});
