/** Variables that configure git's connections or locate git's own programs. */
const OF_CONNECTIONS =
  /^GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|PROXY_COMMAND|EXEC_PATH)$|^GIT_(?:SSL|HTTP|PROXY_SSL)_/;

/** Names of variables that simple-git refuses, in lower case; none of our commands needs them. */
const REFUSED = ["editor", "pager", "prefix", "ssh_askpass", "visual"];

/**
 * Prevents git from fetching anything, including objects that a partial clone lacks. Git 2.45 and later know
 * the first variable; for earlier versions, the second one allows no protocol.
 */
const FETCH_NOTHING = { GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none" };

/**
 * Returns the environment of git commands that use no network. It lacks the variables by which a hook, an
 * alias or `git rebase --exec` selects another repository, index, object directory, configuration or
 * attributes. Git fetches nothing and does not refresh an index that is not ours.
 * @see git(1), "Environment Variables".
 */
export function localEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !isOfGit(name));
  return { ...Object.fromEntries(kept), ...FETCH_NOTHING, GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" };
}

function isOfGit(name: string): boolean {
  const plain = name.trim().toLowerCase();
  return plain.startsWith("git_") || REFUSED.includes(plain);
}

/** Protocols by which a repository can be public. */
export const PUBLIC_PROTOCOLS = ["http", "https", "git"];

/** Variables that select the user's configuration files. */
const CONFIGURATION = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];

/**
 * Returns the environment of a command that fetches only by these protocols, and never by `ext::`, which runs
 * a command. The user's variables for connections and configuration files are kept. Git does not ask for a
 * password, wait for an unknown host key to be confirmed, or open an editor.
 */
export function fetchingEnvironment(
  protocols: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => OF_CONNECTIONS.test(name) || CONFIGURATION.includes(name),
  );
  return {
    ...localEnvironment(env),
    ...Object.fromEntries(kept),
    GIT_ALLOW_PROTOCOL: protocols.join(":"),
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "true",
    SSH_ASKPASS: "true",
    SSH_ASKPASS_REQUIRE: "never",
    GIT_SSH_COMMAND: `${env["GIT_SSH_COMMAND"] ?? "ssh"} -o BatchMode=yes -o ConnectTimeout=10`,
    GIT_EDITOR: "true",
  };
}
