/**
 * Why a value cannot be a parameter; thrown where it is met, and given its path on the way out of the
 * encoder.
 */
export class Unsendable extends Error {}

/** One step from a parameter to a value inside of it: a name, or a position in a list. */
export type Step = string | number

/**
 * `rows[3].when`, `map["odd key"]`.
 *
 * @param from what the steps lead away from
 */
export function pathText(steps: readonly Step[], from: string): string {
  let text = from
  for (const step of steps) {
    if (typeof step === 'number') text += `[${step}]`
    else if (!/^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(step)) text += `[${JSON.stringify(step)}]`
    else text += text === '' ? step : `.${step}`
  }
  return text
}
