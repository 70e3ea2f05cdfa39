import { setInterval } from "node:timers";
import { errorText, UserError } from "../../errors.ts";
import { SwarmRemoved } from "../../providers/swarm-removed.ts";
import type { Provider } from "../../providers/provider.ts";
import { isNearlyFull, NEARLY_FULL, type ResultStore } from "../../stores/store.ts";

const INTERVAL_MS = 5000;

/** Prints warnings. */
interface Warner {
  warn(text: string): void;
}

/** Prints progress, too. */
interface Reporter extends Warner {
  say(text: string): void;
}

export interface Health extends Disposable {
  /** Records whether the queue responds. If it does not, checks ask the swarm's provider, too. */
  heard(answers: boolean): void;
}

/**
 * Restarts dead processes of a swarm while a client waits for it, until it is disposed of.
 * @param gone aborted if the swarm has been removed.
 * @param reasonOf returns the error with which it is then aborted.
 */
export function keepHealthy(
  target: Pick<Provider, "repair">,
  gone: AbortController,
  reporter: Reporter,
  reasonOf: (error: SwarmRemoved) => UserError = endOfCampaign,
): Health {
  let askSwarm = false;
  const check = async (): Promise<void> => {
    try {
      const onWaiting = (text: string): void => reporter.say(text);
      for (const text of await target.repair({ askSwarm, onWaiting })) reporter.warn(text);
    } catch (error) {
      if (!(error instanceof SwarmRemoved)) throw error;
      gone.abort(reasonOf(error));
    }
  };
  const timer = checkPeriodically(reporter, check);
  return { heard: (answers) => void (askSwarm = !answers), [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

function endOfCampaign(error: SwarmRemoved): UserError {
  const rest = "collected results stay in the study; for the other runs, run the same command again";
  return new UserError(`${error.message}: this campaign cannot go on`, {
    hint: error.hint === undefined ? rest : `${error.hint}; ${rest}`,
    cause: error,
  });
}

/** Warns when the result store is nearly full, because runners start no runs then, until it is disposed of. */
export function watchDiskSpace(results: Pick<ResultStore, "freeShare">, warner: Warner): Disposable {
  let wasFull = false;
  return checkPeriodically(warner, async () => {
    const isFull = await isNearlyFull(results);
    if (isFull && !wasFull) warner.warn(NEARLY_FULL);
    wasFull = isFull;
  });
}

/** Repeats a check. Warns of an error once until it changes or disappears. */
function checkPeriodically(warner: Warner, check: () => Promise<void>): Disposable {
  let checking = false;
  let ended = false;
  let lastError: string | undefined;
  const report = (error: string | undefined): void => {
    if (error !== undefined && error !== lastError && !ended) warner.warn(error);
    lastError = error;
  };
  const onTime = (): void => {
    if (checking) return;
    checking = true;
    void check()
      .then(
        () => report(undefined),
        (error: unknown) => report(errorText(error)),
      )
      .finally(() => (checking = false));
  };
  const timer = setInterval(onTime, INTERVAL_MS);
  return {
    [Symbol.dispose]() {
      ended = true;
      clearInterval(timer);
    },
  };
}
