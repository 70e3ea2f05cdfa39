import { setInterval } from "node:timers";
import { errorText, UserError } from "../../errors.ts";
import { SwarmRemoved } from "../../providers/swarm-removed.ts";
import type { Provider } from "../../providers/provider.ts";
import { isNearlyFull, NEARLY_FULL, type ResultStore } from "../../stores/store.ts";

const INTERVAL_MS = 5000;

/** Where warnings go. */
interface Warned {
  warn(text: string): void;
}

/** Where progress goes, too. */
interface Informed extends Warned {
  say(text: string): void;
}

export interface Health extends Disposable {
  /** Whether anything was heard of the swarm lately; if not, the swarm itself is asked, too. */
  heard(answers: boolean): void;
}

/**
 * Starts processes of the swarm again that die: nobody else would do so while a client waits.
 * @param gone aborted if the swarm has been removed.
 */
export function keepHealthy(target: Pick<Provider, "mend">, gone: AbortController, shown: Informed): Health {
  let askSwarm = false;
  const check = async (): Promise<void> => {
    try {
      const onWaiting = (text: string): void => shown.say(text);
      for (const text of await target.mend({ askSwarm, onWaiting })) shown.warn(text);
    } catch (error) {
      if (!(error instanceof SwarmRemoved)) throw error;
      gone.abort(endOfCampaign(error));
    }
  };
  const watch = everySoOften(shown, check);
  return { heard: (answers) => void (askSwarm = !answers), [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

function endOfCampaign(error: SwarmRemoved): UserError {
  const rest = "collected results stay in the study; for the other runs, run the same command again";
  return new UserError(`${error.message}: this campaign cannot go on`, {
    hint: error.hint === undefined ? rest : `${error.hint}; ${rest}`,
    cause: error,
  });
}

/** The runners begin nothing while the store is nearly full; that it does not answer, it says by itself. */
export function watchDiskSpace(results: Pick<ResultStore, "freeShare">, warned: Warned): Disposable {
  let told = false;
  return everySoOften(warned, async () => {
    const full = await isNearlyFull(results);
    if (full && !told) warned.warn(NEARLY_FULL);
    told = full;
  });
}

/** What goes wrong is told, the same thing once. */
function everySoOften(warned: Warned, check: () => Promise<void>): Disposable {
  let checking = false;
  let ended = false;
  let told: string | undefined;
  const tell = (text: string | undefined): void => {
    if (text !== undefined && text !== told && !ended) warned.warn(text);
    told = text;
  };
  const onTime = (): void => {
    if (checking) return;
    checking = true;
    void check()
      .then(
        () => tell(undefined),
        (error: unknown) => tell(errorText(error)),
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
