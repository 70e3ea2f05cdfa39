import { expect, it } from "vitest";
import { providerContext } from "../../src/cli/swarm/provider-context.ts";
import { UserError } from "../../src/errors.ts";

const failure = new UserError("stack swarm-lab ended in CREATE_FAILED");

it("answers the questions before costs and installations with --yes, but removes nothing", async () => {
  const context = providerContext({ yes: true });
  await context.approve({ type: "costs-money", name: "lab" });
  expect(await context.offerInstallation("Valkey")).toBe(true);
  expect(await context.offerRemoval(failure)).toBe(false);
});

it("answers no without --yes and without a terminal, and names the option if nothing can be done then", async () => {
  const context = providerContext();
  await expect(context.approve({ type: "costs-money", name: "lab" })).rejects.toMatchObject({
    hint: "add --yes to continue without being asked",
  });
  expect(await context.offerInstallation("Valkey")).toBe(false);
  expect(await context.offerRemoval(failure)).toBe(false);
});
