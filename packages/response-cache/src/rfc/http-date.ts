const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const IMF_FIXDATE = /^[a-z]{3}, (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) gmt$/
const RFC850 = /^[a-z]{6,9}, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) gmt$/
const ASCTIME = /^[a-z]{3} ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/

/**
 * A date in one of the three formats of RFC 9110, section 5.6.7, in milliseconds since the epoch; undefined when it is none. Case
 * does not matter; anything else does: a date that only looks like one must not make a response fresh.
 *
 * @param now By which a year of two digits is taken for one in this century or the last
 */
export function httpDate(field: string | undefined, now: number): number | undefined {
  if (field === undefined) return undefined
  const text = field.toLowerCase()
  const fixed = IMF_FIXDATE.exec(text)
  if (fixed !== null) return momentOf(fixed[3], fixed[2], fixed[1], fixed.slice(4))
  const obsolete = RFC850.exec(text)
  if (obsolete !== null) return momentOf(wholeYear(Number(obsolete[3]), now), obsolete[2], obsolete[1], obsolete.slice(4))
  const asctime = ASCTIME.exec(text)
  return asctime === null ? undefined : momentOf(asctime[6], asctime[1], asctime[2], asctime.slice(3, 6))
}

function momentOf(
  year: string | number | undefined,
  month: string | undefined,
  day: string | undefined,
  time: readonly string[],
): number | undefined {
  const index = MONTHS.indexOf(month ?? '')
  const [hours = 0, minutes = 0, seconds = 0] = time.map(Number)
  if (index === -1 || hours > 23 || minutes > 59 || seconds > 60) return undefined
  const date = Number(day)
  if (new Date(Date.UTC(Number(year), index, date)).getUTCDate() !== date) return undefined // of 31 February
  return Date.UTC(Number(year), index, date, hours, minutes, seconds)
}

/** One that lies more than 50 years ahead is in the past. */
function wholeYear(year: number, now: number): number {
  const current = new Date(now).getUTCFullYear()
  const whole = current - (current % 100) + year
  return whole > current + 50 ? whole - 100 : whole
}
