/** A number with its unit; the unit is empty for a plain number. */
export interface Quantity {
  value: number;
  unit: string;
}

const KIBI = 1024;

/**
 * Linear units, by the unit to which they are converted for comparison.
 * @see OMNeT++ Simulation Manual, appendix "NED Language Grammar", "Units".
 */
const UNITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  s: {
    d: 86_400,
    h: 3600,
    min: 60,
    s: 1,
    ms: 1e-3,
    us: 1e-6,
    ns: 1e-9,
    ps: 1e-12,
    fs: 1e-15,
    as: 1e-18,
  },
  bps: { bps: 1, kbps: 1e3, Mbps: 1e6, Gbps: 1e9, Tbps: 1e12 },
  b: {
    ...{ b: 1, kb: 1e3, Mb: 1e6, Gb: 1e9, Tb: 1e12 },
    ...{ Kib: KIBI, Mib: KIBI ** 2, Gib: KIBI ** 3, Tib: KIBI ** 4 },
    ...{ B: 8, kB: 8e3, MB: 8e6, GB: 8e9, TB: 8e12 },
    ...{ KiB: 8 * KIBI, MiB: 8 * KIBI ** 2, GiB: 8 * KIBI ** 3, TiB: 8 * KIBI ** 4 },
  },
  rad: { rad: 1, deg: Math.PI / 180 },
  m: { m: 1, dm: 1e-1, cm: 1e-2, mm: 1e-3, um: 1e-6, nm: 1e-9, km: 1e3 },
  W: { W: 1, mW: 1e-3, uW: 1e-6, nW: 1e-9, pW: 1e-12, fW: 1e-15, kW: 1e3, MW: 1e6, GW: 1e9 },
  Hz: { Hz: 1, kHz: 1e3, MHz: 1e6, GHz: 1e9, THz: 1e12 },
  kg: { kg: 1, g: 1e-3, t: 1e3 },
  J: { J: 1, kJ: 1e3, MJ: 1e6, Ws: 1, Wh: 3600, kWh: 3.6e6, MWh: 3.6e9 },
  V: { V: 1, kV: 1e3, mV: 1e-3 },
  A: { A: 1, mA: 1e-3, uA: 1e-6 },
  Ohm: { Ohm: 1, mOhm: 1e-3, kOhm: 1e3, MOhm: 1e6 },
  mps: { mps: 1, kmps: 1e3, kmph: 1 / 3.6 },
  As: { As: 1, C: 1, mAs: 1e-3, Ah: 3600, mAh: 3.6 },
};

const BASES = new Map(
  Object.entries(UNITS).flatMap(([base, units]) =>
    Object.entries(units).map(([unit, factor]) => [unit, { base, factor }] as const),
  ),
);

const PART =
  /([+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?(?![a-z])|nan(?![a-z])))\s*([A-Za-z%][A-Za-z]*)?\s*/iy;

/**
 * Returns the number and unit in a text such as `500ms`, `-3 dBm`, `inf` or `1h 30min`; undefined if it is anything
 * else, such as an expression. A text of several parts has the unit of its last one.
 */
export function quantityIn(text: string): Quantity | undefined {
  const parts: Quantity[] = [];
  const trimmed = text.trim();
  for (PART.lastIndex = 0; PART.lastIndex < trimmed.length;) {
    const [, number, unit = ""] = PART.exec(trimmed) ?? [];
    if (number === undefined) return undefined;
    parts.push({ value: numberIn(number)!, unit });
  }
  const [first, ...others] = parts;
  if (first === undefined || others.length === 0) return first;
  if (parts.some(({ unit }) => unit === "")) return undefined;
  const { unit } = parts.at(-1)!;
  const converted = parts.map((part) => convert(part, unit));
  if (converted.some((value) => value === undefined)) return undefined;
  return { value: converted.reduce<number>((sum, value) => sum + value!, 0), unit };
}

/** Returns the number in a text as C++ prints it, such as `1e-3`, `inf` or `-nan`; undefined for any other text. */
export function numberIn(text: string): number | undefined {
  const value = Number(text);
  if (!Number.isNaN(value)) return text === "" ? undefined : value;
  const [, sign, word] = /^([+-]?)(inf|infinity|nan)$/i.exec(text) ?? [];
  if (word === undefined) return undefined;
  if (word.toLowerCase() === "nan") return NaN;
  return sign === "-" ? -Infinity : Infinity;
}

/** Returns a quantity in another unit; undefined if the units do not measure the same. */
export function convert({ value, unit }: Quantity, to: string): number | undefined {
  if (unit === to) return value;
  const [from, target] = [BASES.get(unit), BASES.get(to)];
  if (from === undefined || target === undefined || from.base !== target.base) return undefined;
  return (value * from.factor) / target.factor;
}

/** Returns a quantity in the unit to which its unit is converted for comparison: `500ms` as 0.5 s. */
export function inBaseUnit({ value, unit }: Quantity): Quantity {
  const known = BASES.get(unit);
  return known === undefined ? { value, unit } : { value: value * known.factor, unit: known.base };
}

/**
 * Compares two values of an iteration variable for sorting: quantities by unit and number (`500ms, 2s, 1min`), and
 * after them other texts, in which numbers count as numbers (`node2` before `node10`).
 */
export function compareValues(one: string, other: string): number {
  const [a, b] = [quantityIn(one), quantityIn(other)].map((each) => each && inBaseUnit(each));
  if (a !== undefined && b !== undefined)
    return compareTexts(a.unit, b.unit) || compareNumbers(a.value, b.value) || compareTexts(one, other);
  if (a !== undefined) return -1;
  return b === undefined ? compareTexts(one, other) : 1;
}

/** Compares numbers; NaN comes last. */
function compareNumbers(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
}

const COLLATOR = new Intl.Collator("en", { numeric: true });

/** Compares texts, in which numbers count as numbers. */
export function compareTexts(a: string, b: string): number {
  return COLLATOR.compare(a, b) || (a < b ? -1 : Number(a > b));
}
