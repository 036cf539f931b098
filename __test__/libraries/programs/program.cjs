// What the programs share. Each prints, a line for each of its steps, what its library gave or threw, as JSON.

const { NEO4J_URI: uri, NEO4J_USER: username, NEO4J_PASSWORD: password } = process.env

exports.login = { uri, username, password }

/** Values that differ from run to run, and so are no part of what is compared. */
const VOLATILE = new Set(['elementId', 'startNodeElementId', 'endNodeElementId', 'identity', 'start', 'end'])

const replacer = (key, value) => {
  if (VOLATILE.has(key)) return `a ${typeof value}`
  if (typeof value === 'bigint') return `${value}n`
  return value instanceof Map ? [...value] : value
}

/** What programs look at in an error; the number of a node is another each time. */
const shown = ({ name, message, code, errors }) => ({
  name,
  message: message.replace(/Node\(\d+\)/, 'Node(n)'),
  code,
  errors: Array.isArray(errors) ? errors.map(({ error = {} }) => error.code) : undefined
})

/** Runs a step and prints its name with what came of it. */
exports.print = async (step, work) => {
  const outcome = await work().then(
    value => ({ value }),
    error => ({ error: shown(error) })
  )
  process.stdout.write(`${JSON.stringify({ step, ...outcome }, replacer)}\n`)
}
