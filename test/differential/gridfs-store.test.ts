import { afterAll, beforeAll, expect } from "vitest";
import { describeWithMongo, startMongo, type MongoServer } from "../helpers/mongo.ts";
import { newUser, type User } from "../helpers/tool.ts";
import { testShapes } from "./suite.ts";

describeWithMongo("through GridFS", () => {
  let mongo: MongoServer;
  let user: User;

  beforeAll(async () => {
    [mongo, user] = await Promise.all([startMongo(), newUser()]);
    const args = ["init", "--local", "--mongo", "--runners", "2"];
    const env = { MONGO_URL: mongo.url };
    expect(await user.run("swarm-tool", args, { env })).toMatchObject({ exitCode: 0, stderr: "" });
  });
  afterAll(async () => {
    await user[Symbol.asyncDispose]();
    await mongo[Symbol.asyncDispose]();
  });

  testShapes(() => user, 14_002);
});
