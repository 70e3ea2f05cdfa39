import { afterAll, beforeAll } from "vitest";
import { describeWithService } from "../helpers/services.ts";
import { mustRun } from "../helpers/swarm.ts";
import { newUser, type User } from "../helpers/tool.ts";
import { testShapes } from "./suite.ts";

describeWithService("redis-server", "through a store that is a directory", () => {
  let user: User;

  beforeAll(async () => {
    user = await newUser();
    await mustRun(user, ["init", "--local", "--runners", "2"]);
  });
  afterAll(() => user[Symbol.asyncDispose]());

  testShapes(() => user, 14_001);
});
