import * as v from "valibot";
import { VariableNameSchema } from "./places.ts";

/** Environment variables by name. */
export const EnvironmentSchema = v.record(VariableNameSchema, v.string());
export type Environment = v.InferOutput<typeof EnvironmentSchema>;

/**
 * Resource limits that are applied to runs, each with its option
 * of `ulimit` and the unit of that option, in bytes or seconds.
 */
export const LIMITS = {
  cpu: { option: "-t", unit: 1 },
  fileSize: { option: "-f", unit: 512 },
  data: { option: "-d", unit: 1024 },
  stack: { option: "-s", unit: 1024 },
  core: { option: "-c", unit: 512 },
  files: { option: "-n", unit: 1 },
  memory: { option: "-v", unit: 1024 },
} as const;
export type LimitName = keyof typeof LIMITS;

const LimitSchema = v.union([v.literal("unlimited"), v.pipe(v.number(), v.integer(), v.minValue(0))]);
export type Limit = v.InferOutput<typeof LimitSchema>;

/** What a process passes on to its child processes. */
export const TerminalSchema = v.object({
  /** Names may be any that a shell exports: `BASH_FUNC_module%%`. */
  environment: v.record(v.string(), v.string()),
  umask: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777))),
  /** Soft limits in bytes, `cpu` in seconds, `files` as a number. */
  limits: v.record(v.picklist(Object.keys(LIMITS) as LimitName[]), LimitSchema),
});
/** The environment, umask and soft resource limits of the terminal in which a campaign was queued. */
export type Terminal = v.InferOutput<typeof TerminalSchema>;

/** Credentials of the queue and the database, and variables of a single shell: `--env` cannot name these. */
const OURS = /^(?:(?:REDIS|MONGO)_URL(?:_FILE)?|INET_SWARM_RUN|PWD|OLDPWD|SHLVL|_)$/;

/**
 * Variables of a terminal that are not passed on to runs and builds unless `--env NAME` or `swarm.json` names
 * them. This is the only such list; docs/campaigns.md describes it.
 */
const NEVER_TRAVELS: readonly RegExp[] = [
  OURS,
  // terminal and desktop
  /^(?:TERM|TERMCAP|TERM_.*|COLORTERM|COLUMNS|LINES|WINDOWID|WINDOWPATH|WINDOW|STY|TMUX.*|ZELLIJ.*|VTE_.*)$/,
  /^(?:DISPLAY|WAYLAND_.*|XAUTHORITY|SESSION_MANAGER|DESKTOP_.*|GNOME_.*|KDE_.*|KONSOLE_.*|KITTY_.*|ITERM_.*)$/,
  /^(?:ALACRITTY_.*|WEZTERM_.*|VSCODE_.*|PS[0-4]|PROMPT_COMMAND|HIST(?:FILE|SIZE|CONTROL|FILESIZE))$/,
  // login session, agents, services
  /^(?:XDG_(?:SESSION_.*|SEAT.*|VTNR|CURRENT_DESKTOP|MENU_PREFIX|RUNTIME_DIR|ACTIVATION_TOKEN)|DBUS_.*)$/,
  /^(?:SSH_.*|GPG_.*|PINENTRY_.*|SUDO_.*|KRB5.*|INVOCATION_ID|JOURNAL_STREAM|NOTIFY_SOCKET|LISTEN_.*)$/,
  /^(?:SYSTEMD_.*|MANAGERPID.*|MAIL)$/,
  // variables that change the behaviour of git, Node.js, npm and Docker
  /^(?:GIT_.*|NODE_.*|npm_.*|NPM_.*|DOCKER_.*|COMPOSE_.*)$/,
  // variables of the `make` that started this process, and our own option
  /^(?:MAKEFLAGS|MFLAGS|MAKELEVEL|MAKEOVERRIDES|MAKE_TERM(?:OUT|ERR)|SWARM)$/,
  // cloud providers, hosting services and servers
  /^(?:AWS_.*|AZURE_.*|ARM_.*|GOOGLE_.*|GCP_.*|GCLOUD_.*|CLOUDSDK_.*|GITHUB_.*|GH_.*|GITLAB_.*|CI_JOB_.*)$/,
  /^(?:KUBE.*|VAULT_.*|REDIS.*|MONGO.*|PG(?:PASS.*|SERVICE.*)|MYSQL_PWD|NETRC|.*_ASKPASS|BORG_.*)$/,
  // anything that is called a credential
  /(?:^|_)(?:TOKENS?|SECRETS?|CREDENTIALS?|API_?KEYS?|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|DSN)(?:_|$)/i,
  /PASSWORD|PASSWD|PASSPHRASE|_(?:PASS|PAT|AUTH)$|(?:DATABASE|BROKER|AMQP|SQL)_UR[IL]$/i,
];

/** `https://user:password@host`, as in the address of a proxy. */
const URL_WITH_PASSWORD = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:[^\s/@]+@/i;

/** Returns whether a variable of the terminal is passed on to runs and builds. */
function isPassedOn(name: string, value: string): boolean {
  return !NEVER_TRAVELS.some((pattern) => pattern.test(name)) && !URL_WITH_PASSWORD.test(value);
}

/** Returns the variables of an environment that are passed on to runs and builds. */
export function passedOnVariables(env: NodeJS.ProcessEnv): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && isPassedOn(...(entry as [string, string])),
    ),
  );
}

/** Returns whether `--env` may name a variable: not if it belongs to the worker or to a shell. */
export function isNameable(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && !OURS.test(name);
}

/**
 * Variables that compilers, linkers, make and Makefiles read: their values decide what a build consists of.
 */
const BUILD_VARIABLES: readonly RegExp[] = [
  /^(?:CC|CXX|CPP|LD|AR|AS|NM|RANLIB|STRIP|LIBS|LDLIBS|DEFINES|MAKEFILES|CONFIGNAME|SYSROOT|SDKROOT)$/,
  /FLAGS(?:_[A-Z]+)?$/,
  /^(?:CPATH|(?:C|CPLUS)_INCLUDE_PATH|LIBRARY_PATH|LD_RUN_PATH|COMPILER_PATH|GCC_EXEC_PREFIX)$/,
  /^(?:PKG_CONFIG_.*|SOURCE_DATE_EPOCH)$/,
];

/** Returns the variables that can change the binaries of a build, sorted by name. */
export function buildVariables(env: Environment): Environment {
  return pick(env, BUILD_VARIABLES);
}

/**
 * Variables that OMNeT++ adds to the NED path and the excluded packages, whatever the command line says.
 * @see OMNeT++ 6.2, src/envir/envirbase.cc.
 */
const SIMULATION_VARIABLES = [/^(?:NEDPATH|OMNETPP_NED_PATH|OMNETPP_NED_PACKAGE_EXCLUSIONS)$/];

/** Returns the variables that affect how OMNeT++ runs a simulation, sorted by name. */
export function simulationVariables(env: Environment): Environment {
  return pick(env, SIMULATION_VARIABLES);
}

function pick(env: Environment, patterns: readonly RegExp[]): Environment {
  const names = Object.keys(env).filter((name) => patterns.some((pattern) => pattern.test(name)));
  return Object.fromEntries(names.sort().map((name) => [name, env[name]!]));
}
