/** Git's variables that say how a connection is made, and where git's own programs are. */
const OF_CONNECTIONS =
  /^GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|PROXY_COMMAND|EXEC_PATH)$|^GIT_(?:SSL|HTTP|PROXY_SSL)_/;

/** Variables that simple-git refuses, in lower case; none of our commands uses what they name. */
const REFUSED = ["editor", "pager", "prefix", "ssh_askpass", "visual"];

/**
 * Prevents git from fetching, also what a partial clone lacks. Git 2.45 and later know the first variable;
 * before, no protocol is allowed by which anything could be fetched.
 */
const FETCH_NOTHING = { GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none" };

/**
 * Returns the environment of commands that connect to nothing: without the variables by which a hook, an alias or
 * `git rebase --exec` tells git which repository, index, objects, configuration or attributes to use. Git fetches nothing
 * and does not refresh an index that is not ours.
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

/** The protocols by which everybody can read a repository. */
export const PUBLIC_PROTOCOLS = ["http", "https", "git"];

/** The configuration files that the user's environment names. */
const CONFIGURATION = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];

/**
 * Returns the environment of a command that fetches by these protocols, and never by `ext::`, which runs a command. The
 * user's variables of connections and configuration files are kept. Git does not ask for a password, wait for an unknown
 * host key, or open an editor.
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
