import type { Account, Way } from "./account.ts";
import type { Life } from "./life.ts";

/** Minutes for data to arrive, for alarms to be evaluated, and for a machine to boot. */
const MARGIN = 25;
const HOUR = 60;

/** Checks how long machines may run. */
export class Limits {
  readonly #account: Account;
  readonly #life: Life;
  /** Ways to stop that do not work, also because the manager is dead. */
  readonly #broken: Set<Way>;

  constructor(account: Account, life: Life, broken: readonly Way[]) {
    this.#account = account;
    this.#life = life;
    this.#broken = new Set(broken);
    if (life.trouble?.kind === "hang") this.#broken.add("watchdogs");
  }

  /** Returns why machines should not run any more in this minute; undefined if they may. */
  violation(idleMinutes: number): string | undefined {
    const { minute, running } = this.#account;
    if (running.length === 0) return undefined;
    const life = this.#life.maxHours * HOUR + HOUR + MARGIN;
    // If only the watchdog works, it counts from the boot of the manager that there is now.
    const onlyWatchdog = this.#broken.has("alarms") && this.#broken.has("scheduled");
    const from = Math.max(this.#account.lastWord, onlyWatchdog ? this.#account.managerLaunched : 0);
    if (minute > from + life) return `machines run ${minute - from} minutes after the client's last word`;
    const silence = minute - this.#account.lastActivity;
    const idle = idleMinutes + HOUR + MARGIN;
    if (this.#broken.size < 2 && this.#isReporting() && silence > idle)
      return `machines run ${silence} minutes after the last work`;
    // Without reports, only an alarm knows; it needs an hour at least.
    const silent = Math.max(HOUR, idleMinutes + HOUR / 2) + MARGIN;
    if (!this.#broken.has("alarms") && silence > silent)
      return `machines run ${silence} minutes after the last sign of work`;
    return undefined;
  }

  /** Whether the manager that runs reports that there is no work. */
  #isReporting(): boolean {
    const [manager] = this.#account.groups?.manager.instances ?? [];
    return manager !== undefined && manager.deployed && !manager.hangs;
  }
}
