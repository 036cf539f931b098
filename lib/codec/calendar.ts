/** The proleptic Gregorian calendar, in doubles: exact over every year that Neo4j has (±999,999,999). */

/** Days from 1970-01-01 to the given date; `month` 1-12, `day` 1-31. */
export function epochDay(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return (
    era * 146097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719468
  )
}

/** The date found by the last {@link civil}: one object for the process, so that nothing is allocated. */
export const found = { year: 0, month: 0, day: 0 }

/** Finds the date `days` after 1970-01-01 and leaves it in {@link found}. */
export function civil(days: number): void {
  const z = days + 719468
  const era = Math.floor(z / 146097)
  const dayOfEra = (z - era * 146097) | 0
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36524) | 0) - ((dayOfEra / 146096) | 0)) / 365) | 0
  const dayOfYear = (dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0))) | 0
  const shifted = ((5 * dayOfYear + 2) / 153) | 0
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  found.year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  found.month = month
  found.day = (dayOfYear - (((153 * shifted + 2) / 5) | 0) + 1) | 0
}
