/** The server's `Recordings`: what a run has recorded in addition to scalars. */
export interface RecordingList {
  vectors: Vector[];
  histograms: Named[];
  /** What is missing in the lists, and why. */
  notes: string[];
}

interface Named {
  file: string;
  module: string;
  name: string;
  unit: string | null;
  /** Number of values, if it is known. */
  count?: number;
}

interface Vector extends Named {
  id: number;
  interpolation: string | null;
}

/** A vector or histogram that can be shown. */
export interface Recording extends Named {
  /** As in the URL: the name, after the kind; of several equal ones with a number. */
  key: string;
  kind: "vector" | "histogram";
  /** The request for its values, in the API of the run. */
  request: string;
}

/** Returns the vectors and histograms of a run, each with a key of its own. */
export function recordingsIn({ vectors, histograms }: RecordingList): Recording[] {
  const used = new Map<string, number>();
  const keyOf = (kind: string, { module, name }: Named): string => {
    const key = `${kind}:${module}.${name}`;
    const number = (used.get(key) ?? 0) + 1;
    used.set(key, number);
    return number === 1 ? key : `${key}#${number}`;
  };
  const parameters = (values: Record<string, string>): string => new URLSearchParams(values).toString();
  return [
    ...vectors.map((vector): Recording => ({
      ...vector,
      kind: "vector",
      key: keyOf("vector", vector),
      request: `vector?${parameters({ file: vector.file, id: `${vector.id}` })}`,
    })),
    ...histograms.map((histogram): Recording => {
      const { file, module, name } = histogram;
      return {
        ...histogram,
        kind: "histogram",
        key: keyOf("histogram", histogram),
        request: `histogram?${parameters({ file, module, name })}`,
      };
    }),
  ];
}

/** Returns the recordings whose names contain all words. */
export function searchRecordings(all: readonly Recording[], text: string): Recording[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter(({ module, name, kind }) => {
    const whole = `${kind} ${module}.${name}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  });
}
