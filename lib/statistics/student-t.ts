/**
 * Student's t distribution with a whole number of degrees of freedom, by its finite sums (Abramowitz and
 * Stegun 1964, 26.7.3 and 26.7.4): exact but for rounding.
 */

/** P(|T| ≥ |t|): the two-sided p value of t. */
export function twoSidedP(t: number, degrees: number): number {
  checkDegrees(degrees);
  return Math.max(0, 1 - within(Math.atan(Math.abs(t) / Math.sqrt(degrees)), degrees));
}

/** The t that |T| stays below with this probability, 0.95 by default: 12.706 for 1 degree of freedom. */
export function twoSidedQuantile(degrees: number, confidence = 0.95): number {
  checkDegrees(degrees);
  let [low, high] = [0, Math.PI / 2];
  // An angle of a right angle is halved until nothing is left between its ends.
  for (let step = 0; step < 64; step++) {
    const middle = (low + high) / 2;
    if (within(middle, degrees) < confidence) low = middle;
    else high = middle;
  }
  return Math.sqrt(degrees) * Math.tan((low + high) / 2);
}

/** P(|T| < t) for t = √degrees · tan(angle). */
function within(angle: number, degrees: number): number {
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = degrees % 2 === 1;
  // cos θ + 2/3 cos³ θ + … for odd degrees, 1 + 1/2 cos² θ + … for even ones.
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let power = odd ? 3 : 2; power <= degrees - 2; power += 2) {
    term *= ((power - 1) / power) * cosine ** 2;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

function checkDegrees(degrees: number): void {
  if (!Number.isInteger(degrees) || degrees < 1) {
    throw new RangeError(`degrees of freedom are 1, 2, …: found ${String(degrees)}`);
  }
}
