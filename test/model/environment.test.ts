import { expect, it } from "vitest";
import { buildKey, type BuildRequest } from "../../src/model/build.ts";
import { isNameable, passedOnVariables } from "../../src/model/environment.ts";
import { PROTOCOL } from "../../src/model/protocol.ts";

it.each([
  "TERM COLORTERM TERM_PROGRAM WINDOWID DISPLAY WAYLAND_DISPLAY XAUTHORITY TMUX_PANE STY",
  "XDG_SESSION_ID XDG_SEAT XDG_VTNR XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS SESSION_MANAGER",
  "SSH_AUTH_SOCK SSH_CONNECTION SUDO_USER GPG_AGENT_INFO INVOCATION_ID JOURNAL_STREAM PWD OLDPWD SHLVL _",
  "AWS_SECRET_ACCESS_KEY AWS_PROFILE GITHUB_TOKEN GH_TOKEN AZURE_CLIENT_SECRET GOOGLE_APPLICATION_CREDENTIALS",
  "MY_TOKEN my_token PASSWORD DB_PASSWORD PGPASSWORD MYSQL_PWD SECRET_KEY APP_SECRET OPENAI_API_KEY SMTP_PASS",
  "GIT_DIR GIT_INDEX_FILE NODE_OPTIONS npm_config_registry npm_lifecycle_event DOCKER_HOST KUBECONFIG",
  "REDIS_URL REDIS_URL_FILE MONGO_URL MONGO_URL_FILE REDIS_PASSWORD MONGO_HOST DATABASE_URL SENTRY_DSN",
  "MAKEFLAGS MAKELEVEL SWARM",
])("does not send variables of the session, credentials and service addresses: %s", (names) => {
  const env = Object.fromEntries(names.split(" ").map((name) => [name, "1"]));
  expect(passedOnVariables(env)).toEqual({});
});

it("sends all other variables, also those with a similar name", () => {
  const env = {
    HOME: "/home/me",
    PATH: "/bin",
    LANG: "de_DE.UTF-8",
    LD_LIBRARY_PATH: "/lib",
    INET_ROOT: "/inet",
    OMP_NUM_THREADS: "2",
    CXXFLAGS: "-O3",
    TOKENIZERS: "1",
    HIGH_PASS_FILTER: "1",
    GITTER: "x",
    TERMINATION: "soft",
    XDG_CACHE_HOME: "/cache",
    "BASH_FUNC_module%%": "() {  :\n}",
    http_proxy: "http://proxy:3128",
  };
  expect(passedOnVariables(env)).toEqual(env);
});

it("does not send the address of a server that contains a password", () => {
  const env = { http_proxy: "http://me:secret@proxy:3128", STORE: "s3://host/a:b", LIST: "a://b,c://d:e@f" };
  expect(passedOnVariables(env)).toEqual({ STORE: "s3://host/a:b" });
});

it("knows which variables may be named", () => {
  expect(["MAPS", "_x1", "MY_TOKEN", "GIT_DIR", "PATH"].filter(isNameable)).toHaveLength(5);
  expect(
    ["", "1A", "A B", "A-B", "A\n", "REDIS_URL", "MONGO_URL_FILE", "PWD", "_"].filter(isNameable),
  ).toEqual([]);
});

it("gives builds with other compiler settings or named variables another key, and no others", () => {
  const request: BuildRequest = {
    protocol: PROTOCOL,
    source: { commit: "a".repeat(40) },
    sourcesHash: "s",
    checkoutName: "model",
    project: "",
    recipe: { kind: "make", folder: "" },
    mode: "release",
    omnetpp: { version: "6.2.0" },
  };
  const plain = buildKey(request);
  const keyWith = (clientEnvironment: Record<string, string>): string =>
    buildKey({ ...request, clientEnvironment });
  expect(keyWith({ HOME: "/home/me", PATH: "/bin" })).toBe(plain);
  const settings = ["CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "CFLAGS_EXTRA", "CPATH"];
  const keys = settings.map((name) => keyWith({ [name]: "x" }));
  expect(new Set([plain, ...keys]).size).toBe(1 + settings.length);
  expect(keyWith({ CC: "x", CXX: "y" })).toBe(keyWith({ CXX: "y", CC: "x" }));
  const named = ["1", "2"].map((MAPS) => buildKey({ ...request, namedEnvironment: { MAPS } }));
  expect(new Set([plain, ...named]).size).toBe(3);
});
