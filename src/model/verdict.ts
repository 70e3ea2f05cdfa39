/** Whether a condition holds, and if not, the reason. */
export type Verdict = { ok: true } | No;

interface No {
  ok: false;
  /** Part of a sentence. */
  reason: string;
}

export const YES = { ok: true } as const satisfies Verdict;

export function no(reason: string): No {
  return { ok: false, reason };
}
