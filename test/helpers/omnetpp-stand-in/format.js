/**
 * A number as C's `%.<digits>g` prints it.
 * @param {number} value @param {number} [digits]
 */
export function general(value, digits = 6) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const [mantissa = "", exponentText = "0"] = value.toExponential(digits - 1).split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < digits) return trimZeros(value.toFixed(digits - 1 - exponent));
  const sign = exponent < 0 ? "-" : "+";
  return `${trimZeros(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** A simulation time: seconds with up to twelve decimals. @param {number} seconds */
export function simTime(seconds) {
  return trimZeros(seconds.toFixed(12));
}

/** @param {string} text */
function trimZeros(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** As in `Elapsed: 27087.9s (7h 31m)`. @param {number} seconds */
export function elapsed(seconds) {
  const whole = Math.floor(seconds);
  /** @param {number} number */
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rounded = hours > 0 ? `${hours}h ${two(minutes)}m` : `${minutes}m ${two(whole % 60)}s`;
  return `${general(seconds)}s (${rounded})`;
}

/** A field of a result file: quoted when it is empty or has spaces or quotes. @param {string} text */
export function quoted(text) {
  return text === "" || /[\s"\\]/.test(text) ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}
