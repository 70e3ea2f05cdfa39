import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { areStateless } from "../../src/worker/execute/stateless.ts";
import { describeWithService } from "../helpers/services.ts";
import { temporaryDirectory } from "../helpers/temporary.ts";

async function compile(directory: string, code: string, ...options: string[]): Promise<string> {
  const source = path.join(directory, "model.c");
  const program = path.join(directory, "model");
  await writeFile(source, code);
  await promisify(execFile)("cc", ["-o", program, source, ...options]);
  return program;
}

describeWithService("cc", "a program", () => {
  it.each([
    { what: "has no variable", code: "int main(void) { return 0; }", stateless: true },
    {
      what: "has only constants",
      code: 'const char *const names[] = {"a", "b"}; int main(void) { return names[1][0]; }',
      stateless: true,
    },
    { what: "counts", code: "int runs = 0; int main(void) { return runs++; }", stateless: false },
    {
      what: "counts within a function",
      code: "int main(void) { static int runs = 7; return runs++; }",
      stateless: false,
    },
    {
      what: "counts in each thread",
      code: "static _Thread_local int runs; int main(void) { return runs++; }",
      stateless: false,
    },
    {
      what: "uses the C library's generator of random numbers",
      code: "int rand(void); int main(void) { return rand(); }",
      stateless: false,
    },
    {
      what: "has no symbols",
      code: "int runs = 0; int main(void) { return runs++; }",
      options: ["-s"],
      stateless: false,
    },
  ])("that $what is stateless: $stateless", async ({ code, options = [], stateless }) => {
    await using directory = await temporaryDirectory();
    const program = await compile(directory.path, code, ...options);
    expect(await areStateless([program], process.env)).toBe(stateless);
  });

  it("that uses somebody else's library is not stateless", async () => {
    await using directory = await temporaryDirectory();
    const library = path.join(directory.path, "libother.so");
    const code = path.join(directory.path, "other.c");
    await writeFile(code, "int other(void) { return 1; }");
    await promisify(execFile)("cc", ["-shared", "-fPIC", "-o", library, code]);
    const program = await compile(
      directory.path,
      "int other(void); int main(void) { return other(); }",
      library,
    );
    expect(await areStateless([program], process.env)).toBe(false);
  });

  it("that is a script, or does not exist, is not stateless", async () => {
    await using directory = await temporaryDirectory();
    const script = path.join(directory.path, "model");
    await writeFile(script, "#!/bin/sh\n");
    expect(await areStateless([script], process.env)).toBe(false);
    expect(await areStateless([`${script}s`], process.env)).toBe(false);
    expect(await areStateless([], process.env)).toBe(false);
  });
});
