import { afterAll, beforeAll, expect, it } from "vitest";
import { openCheckout } from "../../src/project/git/git.ts";
import { nearestPublicCommit, publicUrl } from "../../src/project/git/origin.ts";
import { startGitHost, type GitHost } from "../helpers/git-daemon.ts";
import { makeRepository, type Repository } from "../helpers/git.ts";

let host: GitHost;

beforeAll(async () => {
  host = await startGitHost();
});
afterAll(() => host[Symbol.asyncDispose]());

const nearest = async (repository: Repository) =>
  await nearestPublicCommit(
    await openCheckout(repository.path),
    await repository.git("rev-parse", "HEAD"),
    new AbortController().signal,
  );

it.each([
  ["https://github.com/inet-framework/inet.git", "https://github.com/inet-framework/inet.git"],
  ["https://user:secret@git.example.org/a/b.git", "https://git.example.org/a/b.git"],
  ["git@github.com:inet-framework/inet.git", "https://github.com/inet-framework/inet.git"],
  ["ssh://git@git.example.org:2222/a/b.git", "https://git.example.org/a/b.git"],
  ["git.example.org:a/b.git", "https://git.example.org/a/b.git"],
  ["git://git.example.org/a/b.git", "git://git.example.org/a/b.git"],
  ["/srv/git/b.git", undefined],
  ["file:///srv/git/b.git", undefined],
  ["../b.git", undefined],
])("reads %s as %s", (remote, url) => {
  expect(publicUrl(remote)).toBe(url);
});

it("names the commit itself if a remote has it, else its nearest ancestor that a remote has", async () => {
  await using repository = await makeRepository();
  await repository.git("remote", "add", "elsewhere", "/srv/git/nowhere.git");
  await repository.git("remote", "add", "origin", host.url);
  expect(await nearest(repository)).toBeUndefined();
  await repository.git("push", "--quiet", "origin", "HEAD:refs/heads/nearest");
  const pushed = await repository.git("rev-parse", "HEAD");
  expect(await nearest(repository)).toEqual({ url: host.url, commit: pushed });
  await repository.commit();
  await repository.commit();
  expect(await nearest(repository)).toEqual({ url: host.url, commit: pushed });
});

it("asks remotes without the user's configuration, like a worker", async () => {
  await using repository = await makeRepository();
  const place = host.url.slice(0, host.url.lastIndexOf("/") + 1);
  await repository.git("push", "--quiet", host.url, "HEAD:refs/heads/private");
  await repository.git("config", `url.${place}.insteadOf`, "https://127.0.0.1/x/");
  await repository.git("remote", "add", "origin", "git@127.0.0.1:x/project.git"); // by https nothing answers
  expect(await repository.git("ls-remote", "https://127.0.0.1/x/project.git")).toContain(
    "refs/heads/private",
  );
  expect(await nearest(repository)).toBeUndefined();
});
