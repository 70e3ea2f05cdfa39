/** A yes, or a no with its reason. */
export type Verdict = { ok: true } | No;

interface No {
  ok: false;
  /** As part of a sentence. */
  reason: string;
}

export const YES = { ok: true } as const satisfies Verdict;

export function no(reason: string): No {
  return { ok: false, reason };
}
