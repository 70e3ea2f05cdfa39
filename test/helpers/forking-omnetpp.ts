import { execFile } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SOURCES = fileURLToPath(new URL("forking-omnetpp", import.meta.url));

/**
 * Compiles a simulator whose process can be copied like that of OMNeT++ 6 (see forking-omnetpp/opp_run.cc).
 * @returns the folder of its `opp_run` and `opp_run_release`.
 */
export async function makeForkingOmnetpp(folder: string): Promise<string> {
  const [bin, lib] = [path.join(folder, "bin"), path.join(folder, "lib")];
  for (const each of [bin, lib]) await mkdir(each, { recursive: true });
  const compile = async (...args: string[]): Promise<void> => {
    await promisify(execFile)("g++", ["-std=c++17", ...args]);
  };
  await compile("-shared", "-fPIC", "-o", path.join(lib, "liboppenvir.so"), path.join(SOURCES, "envir.cc"));
  await compile("-shared", "-fPIC", "-o", path.join(lib, "libmodel.so"), path.join(SOURCES, "model.cc"));
  const linked = [`-L${lib}`, "-loppenvir", "-lmodel", "-Wl,-rpath,$ORIGIN/../lib", "-pthread"];
  await compile("-o", path.join(bin, "opp_run"), path.join(SOURCES, "opp_run.cc"), ...linked);
  await symlink("opp_run", path.join(bin, "opp_run_release"));
  return bin;
}
