import path from "node:path";
import { errorCode, errorText, UserError } from "../../errors.ts";
import type { RunValues } from "../../model/result-item.ts";
import type { RunRecord } from "../../model/result.ts";
import { readRecordedValues } from "../../omnetpp/recorded-values.ts";
import { isScalarFile } from "../../omnetpp/result-files.ts";
import { ValueIndexWriter } from "../../stores/value-index-writer.ts";
import type { Study } from "./places.ts";

/**
 * Adds the numbers that collected runs have recorded to the index of their campaign. The index is a cache: what is
 * missing in it is read from the result files when it is needed.
 */
export class RunIndexer {
  readonly #study: Pick<Study, "directory">;
  readonly #writer: ValueIndexWriter;
  #hasFailed = false;

  constructor(
    { directory, resultDirectory }: Pick<Study, "directory" | "resultDirectory">,
    campaign: string,
  ) {
    this.#study = { directory };
    this.#writer = new ValueIndexWriter(resultDirectory, campaign);
  }

  /**
   * Adds a run whose record has been written. Runs that are not done are left out.
   * @returns a warning if the index cannot be written, once.
   */
  async add(record: RunRecord): Promise<string[]> {
    if (this.#hasFailed) return [];
    const values = await this.#read(record);
    if (values === undefined) return [];
    const { runNumber, finishedAt } = record;
    try {
      await this.#writer.add({ runNumber, finishedAt: Date.parse(finishedAt) }, values);
      return [];
    } catch (error) {
      if (!(error instanceof UserError) && errorCode(error) === undefined) throw error;
      this.#hasFailed = true;
      return [`cannot write the index of results, without which they are shown later: ${errorText(error)}`];
    }
  }

  /** Returns the values of a run; undefined if there are none, or the files cannot be read: whoever asks for them later gets the reason. */
  async #read(record: RunRecord): Promise<RunValues | undefined> {
    const files = record.files.filter(({ path: file }) => isScalarFile(file));
    if (record.state !== "done" || files.length === 0) return undefined;
    const places = files.map((file) => path.resolve(this.#study.directory, file.path));
    try {
      return await readRecordedValues(places, record);
    } catch (error) {
      if (error instanceof UserError || errorCode(error) !== undefined) return undefined;
      throw error;
    }
  }
}
