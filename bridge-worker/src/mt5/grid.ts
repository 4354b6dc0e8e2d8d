// Volumes and prices on a symbol's grid, without the noise of binary floats. Pure.

/** Decimal places of a step such as 0.01 or 1e-8. */
export function decimalsOf(step: number): number {
  const [mantissa = "", exponent = "0"] = step.toString().toLowerCase().split("e");
  const fraction = mantissa.split(".")[1]?.length ?? 0;
  return Math.max(0, fraction - Number(exponent));
}

/** How far from a grid line a number may be and still be meant to lie on it, as a share of the step. */
const NOISE = 1e-6;
/** The same as a share of the number: what a few roundings of a double leave. Counts from 10^8 steps on. */
const RELATIVE_NOISE = 1e-14;
/** Finer than any broker's: a smaller number, as a field that nobody filled may hold, is no grid. */
const LEAST_STEP = 1e-15;

/**
 * The number, cleaned of float noise, if it is a multiple of `step`; otherwise undefined. Nothing is rounded that the
 * caller could have meant differently: 0.015 lots on a step of 0.01 is refused, not turned into 0.01 or 0.02.
 */
export function onGrid(value: number, step: number): number | undefined {
  if (!(step >= LEAST_STEP)) return value;
  const steps = value / step;
  const nearest = Math.round(steps);
  // Next to nothing is not nothing: a stop at 0 is none, and a volume of 0 says something else.
  if (nearest === 0 && value !== 0) return undefined;
  if (Math.abs(steps - nearest) > Math.max(NOISE, Math.abs(nearest) * RELATIVE_NOISE)) return undefined;
  return Number((nearest * step).toFixed(decimalsOf(step)));
}
