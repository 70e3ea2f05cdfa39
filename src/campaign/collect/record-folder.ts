import { lstatSync, type Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { errorCode, errorText, withPath } from "../../errors.ts";
import type { RecordedRun, RecordListener, RecordSubscription } from "../../model/recorded-runs.ts";
import type { RunRecord } from "../../model/result.ts";
import type { Run } from "../../model/run.ts";
import { isTemporary } from "../../system/files.ts";
import { HistoryReader, type Superseded } from "./history.ts";
import { DamagedRecord, recordFile, recordIn } from "./records.ts";

/** What is remembered of a record file, so that it is read again only when it has changed. */
interface Entry {
  mtimeMs: number;
  size: number;
  ino: number;
  /** Undefined if the file has never been a valid record. */
  campaign: string | undefined;
  runNumber: number;
}

interface Subscriber {
  config: string;
  listener: RecordListener;
  history: HistoryReader;
  /** Replaced records that have not been delivered yet. */
  replaced: Superseded[];
  isComplete: boolean;
  /** Why the history cannot be read. */
  trouble: string | undefined;
}

/** Inode number of an entry whose file has not been read. */
const UNREAD = -1;
/** Name of a record: `<config>-<run>.json`. */
const RECORD_NAME = /.-\d{1,9}\.json$/;
/** Number of records to read before yielding to the event loop; it takes about 20 ms. */
const CHUNK = 200;
/** Pause between two readings: PAUSE_FACTOR times the duration of the last one, at least SHORTEST_PAUSE_MS. */
const SHORTEST_PAUSE_MS = 1000;
const PAUSE_FACTOR = 20;
/** A folder that has changed within this time may change again without getting another modification time. */
const CLOCK_GRAIN_MS = 2000;

/**
 * The records in one result directory, which several campaigns may share. Each record is read once for all of them, and
 * again when its file has changed. Synchronous reading takes a third of the time for 100,000 runs.
 */
export class RecordFolder {
  readonly #resultDirectory: string;
  readonly #directory: string;
  readonly #pauseMs: (tookMs: number) => number;
  /** By file name. */
  readonly #entries = new Map<string, Entry>();
  /** Why files could not be read, by name; a damaged one is read again only when it has changed. */
  readonly #troubles = new Map<string, { text: string; isDamage: boolean }>();
  readonly #subscribers = new Map<string, Subscriber>();
  #trouble: string | undefined;
  #reading: Promise<void> | undefined;
  #progress = { done: 0, of: 0 };
  #readAgainAt = 0;
  /** Modification time of the folder up to which all changes have been read. */
  #modified: number | undefined;

  /** @param pauseMs returns the pause after a reading, by its duration. */
  constructor(resultDirectory: string, pauseMs = pauseAfter) {
    this.#pauseMs = pauseMs;
    this.#resultDirectory = resultDirectory;
    this.#directory = path.join(resultDirectory, ".swarm");
  }

  /** Number of files that the current or the last reading has dealt with, of all. */
  get progress(): { done: number; of: number } {
    return { ...this.#progress };
  }

  /**
   * Delivers the records of a campaign to a listener, from the next reading on. A campaign has one listener: a new one
   * replaces it.
   */
  subscribe({ id, config }: { id: string; config: string }, listener: RecordListener): RecordSubscription {
    const history = new HistoryReader(this.#resultDirectory, id);
    const subscriber: Subscriber = {
      config,
      listener,
      history,
      replaced: [],
      isComplete: false,
      trouble: undefined,
    };
    this.#subscribers.set(id, subscriber);
    return {
      get isComplete() {
        return subscriber.isComplete;
      },
      trouble: (isKnown) => this.#trouble ?? subscriber.trouble ?? this.#troubleOf(id, config, isKnown),
      [Symbol.dispose]: () => {
        if (this.#subscribers.get(id) === subscriber) this.#subscribers.delete(id);
      },
    };
  }

  /**
   * Reads what has changed and calls the listeners; concurrent calls share a reading. Does nothing if the last one was
   * just now, unless there are new subscriptions. What cannot be read is reported by the subscriptions and tried again.
   */
  read(): Promise<void> {
    const isNew = [...this.#subscribers.values()].some(({ isComplete }) => !isComplete);
    if (this.#reading === undefined && !isNew && Date.now() < this.#readAgainAt) return Promise.resolve();
    this.#reading ??= this.#readAll().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /**
   * Returns the record of one run as it is now; undefined if there is none of this campaign.
   * @throws {DamagedRecord} if the file is not a record.
   */
  record({ id, config }: { id: string; config: string }, runNumber: number): RecordedRun | undefined {
    const record = recordIn(recordFile(this.#resultDirectory, { config, runNumber }));
    if (record?.campaign === id) return record;
    const subscriber = this.#subscribers.get(id);
    if (subscriber !== undefined) return replacedRecords(subscriber).get(runNumber);
    const history = new HistoryReader(this.#resultDirectory, id);
    history.update();
    return history.superseded.get(runNumber);
  }

  async #readAll(): Promise<void> {
    const startedAt = Date.now();
    const timer = performance.now();
    try {
      await this.#readChanges(startedAt);
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = `the records cannot be read: ${errorText(withPath(error, this.#directory))}`;
      this.#modified = undefined;
    }
    const tookMs = performance.now() - timer;
    this.#readAgainAt = Date.now() + this.#pauseMs(tookMs);
  }

  async #readChanges(startedAt: number): Promise<void> {
    const fresh = [...this.#subscribers].filter(([, { isComplete }]) => !isComplete);
    const modified = (await stat(this.#directory).catch(unlessMissing))?.mtimeMs ?? 0;
    if (fresh.length > 0 || modified !== this.#modified) {
      await this.#readFiles(new Set(fresh.map(([id]) => id)));
      const isPassing = [...this.#troubles.values()].some(({ isDamage }) => !isDamage);
      const mayChangeUnnoticed = modified > startedAt - CLOCK_GRAIN_MS || isPassing;
      this.#modified = mayChangeUnnoticed ? undefined : modified;
    }
    for (const [id, subscriber] of this.#subscribers) this.#readHistory(id, subscriber);
    for (const [, subscriber] of fresh) subscriber.isComplete = true;
  }

  /** @param wanted campaigns whose records are delivered even if their files have not changed. */
  async #readFiles(wanted: ReadonlySet<string>): Promise<void> {
    const all = (await readdir(this.#directory).catch(unlessMissing)) ?? [];
    const names = all.filter((name) => RECORD_NAME.test(name) && !isTemporary(name));
    this.#progress = { done: 0, of: names.length };
    this.#forgetOthers(new Set(names));
    for (const name of names) {
      if (this.#progress.done++ % CHUNK === 0) await setImmediate();
      try {
        this.#readFile(name, wanted);
      } catch (error) {
        const text = errorText(withPath(error, path.join(this.#directory, name)));
        this.#troubles.set(name, { text, isDamage: error instanceof DamagedRecord });
      }
    }
  }

  #forgetOthers(names: ReadonlySet<string>): void {
    for (const [name, entry] of this.#entries) if (!names.has(name)) this.#forget(name, entry);
    for (const name of this.#troubles.keys()) if (!names.has(name)) this.#troubles.delete(name);
  }

  #forget(name: string, entry: Entry): void {
    this.#entries.delete(name);
    this.#reportRemoved(entry, undefined);
  }

  #readFile(name: string, wanted: ReadonlySet<string>): void {
    const file = path.join(this.#directory, name);
    const known = this.#entries.get(name);
    // before the file is read: if it is replaced in between, it is read again
    const stats = lstatSync(file, { throwIfNoEntry: false });
    if (stats === undefined) return known && this.#forget(name, known);
    const isWanted = known?.campaign !== undefined && wanted.has(known.campaign);
    if (known !== undefined && isSame(known, stats) && !isWanted) return;
    const record = this.#recordIn(file, stats, known);
    this.#troubles.delete(name);
    if (record === undefined) return known && this.#forget(name, known);
    const { campaign } = record;
    this.#entries.set(name, entryOf(stats, record));
    if (known !== undefined && known.campaign !== campaign) this.#reportRemoved(known, campaign);
    this.#subscribers.get(campaign)?.listener.recorded(record);
  }

  #recordIn(file: string, stats: Stats, known: Entry | undefined): RunRecord | undefined {
    try {
      return recordIn(file);
    } catch (error) {
      const { campaign, runNumber = 0 } = known ?? {};
      const entry = entryOf(stats, { campaign, runNumber });
      const isDamage = error instanceof DamagedRecord; // otherwise, it is read again
      this.#entries.set(path.basename(file), isDamage ? entry : { ...entry, ino: UNREAD });
      throw error;
    }
  }

  /** Reports that the record of a run was removed, or that another campaign's has replaced it. */
  #reportRemoved({ campaign, runNumber }: Entry, by: string | undefined): void {
    const subscriber = campaign === undefined ? undefined : this.#subscribers.get(campaign);
    if (subscriber === undefined) return;
    const superseded = replacedRecords(subscriber).get(runNumber);
    if (superseded === undefined) subscriber.listener.removed(runNumber, by);
    else subscriber.listener.superseded(superseded);
  }

  /** Delivers the replaced records of a campaign, except of runs that it has executed again since. */
  #readHistory(id: string, subscriber: Subscriber): void {
    const { config, listener } = subscriber;
    try {
      replacedRecords(subscriber);
      for (const each of subscriber.replaced.splice(0)) {
        const name = path.basename(recordFile("", { config, runNumber: each.runNumber }));
        if (this.#entries.get(name)?.campaign !== id) listener.superseded(each);
      }
      subscriber.trouble = undefined;
    } catch (error) {
      subscriber.trouble = `earlier records cannot be read: ${errorText(error)}`;
    }
  }

  #troubleOf(id: string, config: string, isKnown: (run: number) => boolean): string | undefined {
    const own = [...this.#troubles].filter(([name]) => {
      const run = runIn(name, config);
      const owner = this.#entries.get(name)?.campaign;
      return run !== undefined && (owner === id || (owner === undefined && !isKnown(run)));
    });
    const [first] = own;
    if (first === undefined) return undefined;
    return own.length === 1
      ? `a record cannot be read: ${first[1].text}`
      : `${own.length} records cannot be read, for example: ${first[1].text}`;
  }
}

/** Returns the records of a campaign that have been replaced, by run number, and notes those that are new. */
function replacedRecords({ history, replaced }: Subscriber): ReadonlyMap<number, Superseded> {
  for (const each of history.update()) replaced.push(each);
  return history.superseded;
}

function pauseAfter(tookMs: number): number {
  return Math.max(SHORTEST_PAUSE_MS, PAUSE_FACTOR * tookMs);
}

function isSame(known: Entry, { mtimeMs, size, ino }: Stats): boolean {
  return known.mtimeMs === mtimeMs && known.size === size && known.ino === ino;
}

function entryOf(
  { mtimeMs, size, ino }: Stats,
  { campaign, runNumber }: Pick<Entry, "campaign" | "runNumber">,
): Entry {
  return { mtimeMs, size, ino, campaign, runNumber };
}

/** Returns the number of the run whose record has a file name; undefined if it belongs to another config. */
function runIn(name: string, config: Run["config"]): number | undefined {
  const number = name.slice(config.length + 1, -".json".length);
  return name.startsWith(`${config}-`) && /^\d{1,9}$/.test(number) ? Number(number) : undefined;
}

function unlessMissing(error: unknown): undefined {
  // nothing is collected yet, or everything was deleted
  if (!["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "")) throw error;
  return undefined;
}
