// Random numbers that are the same on every machine: a seed names a whole workload.

export type Random = () => number;

/** sfc32 by Chris Doty-Humphrey: small, fast, passes PractRand. */
export function randomOf(seed: number, stream: number): Random {
  let [a, b, c, counter] = [seed | 0, stream | 0, 0x9e3779b9, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 15; warmUp++) next();
  return next;
}

export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** Clamped to what the workload says is possible. */
export function logNormal(
  random: Random,
  { median, sigma, min, max }: { median: number; sigma: number; min: number; max: number },
): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(max, Math.max(min, median * Math.exp(sigma * normal)));
}
