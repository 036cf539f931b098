// The independent client in Rust: builds `__test__/neo4rs-client` and runs queries through it.

import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { neo4j } from './support.mjs'

const run = promisify(execFile)
const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const { types } = neo4j

/** Builds the client. @returns {Promise<string>} the path of the program */
export const build = async () => {
  const args = ['build', '--locked', '-p', 'neo4rs-client', '--message-format=json-render-diagnostics']
  const { stdout } = await run('cargo', args, { cwd: project, maxBuffer: 64 * 2 ** 20 })
  const messages = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  return messages.find(({ executable, target }) => executable && target.name === 'neo4rs-client').executable
}

/**
 * Runs queries, in order, over one connection.
 *
 * @param {string} program
 * @param {object} member of a set of servers
 * @param {{ user: string, pass: string }} auth
 * @param {{ text: string, parameters?: object }[]} queries parameters are values of ours
 * @returns {Promise<object[][]>} for each query its rows, `{column: value}`, in the form of `plain`
 */
export const neo4rs = async (program, member, auth, queries) => {
  const uri = member.bolt
  const list = queries.map(({ text, parameters = {} }) => ({ text, parameters: plain(parameters) }))
  const running = run(program, { maxBuffer: 64 * 2 ** 20 })
  running.child.stdin.end(JSON.stringify({ uri, user: auth.user, password: auth.pass, queries: list }))
  return JSON.parse((await running).stdout)
}

const tagged = ($, value, more) => ({ $, value, ...more })
const float = number => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, number)
  return view.getBigUint64(0).toString(16).padStart(16, '0')
}
const two = n => String(n).padStart(2, '0')
const date = ({ year, month, day }) => `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
const clock = ({ hour, minute, second, nanosecond }) =>
  `${two(hour)}:${two(minute)}:${two(second)}.${String(nanosecond).padStart(9, '0')}`
const both = value => `${date(value)}T${clock(value)}`
const each = (object, convert) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, convert(value)]))

/** A value as the client writes and reads it: see its `values.rs`. */
export const plain = value => {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') return tagged('float', float(value))
  if (typeof value === 'bigint' || neo4j.isInt(value)) return tagged('int', value.toString())
  if (Array.isArray(value)) return value.map(plain)
  if (ArrayBuffer.isView(value)) return tagged('bytes', [...new Uint8Array(value.buffer)])
  if (value instanceof types.Date) return tagged('date', date(value))
  if (value instanceof types.LocalTime) return tagged('localTime', clock(value))
  if (value instanceof types.Time) {
    return tagged('time', clock(value), { offset: Number(value.timeZoneOffsetSeconds) })
  }
  if (value instanceof types.LocalDateTime) return tagged('localDateTime', both(value))
  if (value instanceof types.DateTime) {
    const { timeZoneId, timeZoneOffsetSeconds } = value
    if (timeZoneId) return tagged('zoned', both(value), { zone: timeZoneId })
    return tagged('dateTime', both(value), { offset: Number(timeZoneOffsetSeconds) })
  }
  if (value instanceof types.Duration) {
    return tagged('duration', [value.months, value.days, value.seconds, value.nanoseconds].map(Number))
  }
  if (value instanceof types.Point) {
    const { srid, x, y, z } = value
    return tagged('point', [`${srid}`, float(x), float(y), ...(z === undefined ? [] : [float(z)])])
  }
  if (value instanceof types.Node) {
    const { identity, labels, properties } = value
    return { $: 'node', id: `${identity}`, labels, properties: each(properties, plain) }
  }
  if (value instanceof types.Relationship) {
    const { identity, start, end, type, properties } = value
    const ends = { start: `${start}`, end: `${end}` }
    return { $: 'relationship', id: `${identity}`, ...ends, type, properties: each(properties, plain) }
  }
  return each(value, plain)
}
