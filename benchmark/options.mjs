// What the benchmarks are told on their command lines.
import { parseArgs } from 'node:util'
import { UserError } from '../tools/lib/exec.mjs'

/** The values of options, which are those of `parseArgs`; the usage is shown with what is wrong. */
export function parse(options, usage) {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    throw new UserError(`${error.message}\n\n${usage}`)
  }
}

/** The number that an option gives; undefined where it is not given. */
export function atLeastOne(name, value) {
  const number = value && Number(value)
  if (value && !(Number.isInteger(number) && number > 0)) {
    throw new UserError(`--${name} takes a number from 1 up`)
  }
  return number
}

/** Those of `all` that a list says; all of them without one. */
export function chosen(what, list, all, usage) {
  const names = list?.split(',') ?? all
  const unknown = names.find(name => !all.includes(name))
  if (unknown !== undefined) throw new UserError(`there is no ${what} '${unknown}'\n\n${usage}`)
  return names
}

/** The options of a benchmark whose rows are measures of several sizes: `chosen` has the names of its measures. */
export function readMeasureOptions(measures, usage) {
  const values = parse(
    {
      json: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      page: { type: 'string' },
      help: { type: 'boolean' }
    },
    usage
  )
  const rounds = atLeastOne('rounds', values.rounds)
  return { ...values, rounds, chosen: chosen('measure', values.only, measures, usage) }
}
