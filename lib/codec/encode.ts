import { error, newError } from 'neo4j-driver-core'
import {
  childrenOf,
  conversion,
  deepen,
  isMapWriter,
  type NestedWriter,
  putValue,
  walked,
  writerOf
} from './encode-values.js'
import { out, use } from './packer.js'
import { pathText, type Step, Unsendable } from './unsendable.js'

/** A PackStream map, and what it needs of the protocol. The bytes are valid until the next map is encoded. */
export interface Encoded {
  bytes: Uint8Array
  needs: number
}

const EMPTY: Encoded = { bytes: Uint8Array.of(0xa0), needs: 0 }
const INITIAL_SIZE = 16 * 1024
// A buffer that grew beyond this is let go when the call is over.
const KEPT_SIZE = 4 * 1024 * 1024

let busy = false

/**
 * Writes query parameters as one PackStream map, with what it needs of the protocol (bits of
 * `Needs`).
 *
 * Numbers are floats, as in `neo4j-driver`; a bigint or an Integer is an integer. Properties that are
 * `undefined` are left out. The bytes are valid until the next call.
 *
 * @param parameters an object of names and values, or (not `asNeo4jDriver`) a Map of them; undefined or null for none
 * @param asNeo4jDriver the option `parameterConversion`
 * @throws Neo4jError for anything else, and for a value that cannot be sent, naming its path
 */
export function encodeParameters(parameters: unknown, asNeo4jDriver = false): Encoded {
  return parameters === undefined || parameters === null
    ? EMPTY
    : encode(parameters, undefined, asNeo4jDriver)
}

/**
 * The same for a map that is an option.
 *
 * @param name the option's, for errors
 */
export function encodeOption(map: unknown, name: string, asNeo4jDriver = false): Encoded {
  return encode(map, name, asNeo4jDriver)
}

/** @param option its name; undefined for the parameters of a query */
function encode(parameters: unknown, option: string | undefined, asNeo4jDriver: boolean): Encoded {
  const before = conversion.asNeo4jDriver
  conversion.asNeo4jDriver = asNeo4jDriver
  try {
    return written(parameters, option)
  } finally {
    conversion.asNeo4jDriver = before
  }
}

function written(parameters: unknown, option: string | undefined): Encoded {
  const write = topWriter(parameters, option)
  // A getter or an iterator of the application may run a query of its own in the middle of this one.
  const outer = busy ? { out: { ...out }, lists: walked.lists } : null
  if (outer !== null || out.size === 0) use(Buffer.allocUnsafeSlow(INITIAL_SIZE))
  if (outer !== null) walked.lists = new Map()
  busy = true
  out.needs = 0
  try {
    const end = write(parameters, 0, 1)
    if (end === EMPTY.bytes.length) return EMPTY
    return { bytes: new Uint8Array(out.buf.buffer, out.buf.byteOffset, end), needs: out.needs }
  } catch (problem) {
    throw problem instanceof Unsendable ? located(parameters, option, problem) : problem
  } finally {
    if (outer !== null) {
      Object.assign(out, outer.out)
      walked.lists = outer.lists
    } else {
      busy = false
      if (walked.lists.size > 0) walked.lists.clear()
      if (out.size > KEPT_SIZE) use(Buffer.allocUnsafeSlow(INITIAL_SIZE))
    }
  }
}

function topWriter(parameters: unknown, option: string | undefined): NestedWriter {
  try {
    const writer = typeof parameters === 'object' && parameters !== null ? writerOf(parameters) : undefined
    if (writer !== undefined && isMapWriter(writer)) return writer
  } catch (problem) {
    // a node, or another object of the kind: the error below says enough
    if (!(problem instanceof Unsendable)) throw problem
  }
  // As a value of its own, a Map is a list to `neo4j-driver`.
  const takes = conversion.asNeo4jDriver
    ? "an object of names and values, and with parameterConversion: 'neo4j-driver' no Map or other iterable"
    : 'an object, or a Map, of names and values'
  throw newError(
    option === undefined
      ? `Query parameters are expected to either be undefined/null or ${takes}`
      : `${option} takes ${takes}`
  )
}

/** The error for the application: what is wrong, and where. */
function located(parameters: unknown, option: string | undefined, problem: Unsendable): Error {
  const steps: Step[] = []
  const found = search(parameters, steps, [], 1)
  const what =
    option !== undefined
      ? pathText(steps, option)
      : found === null
        ? 'The query parameters'
        : `Parameter ${pathText(steps, '')}`
  return newError(`${what} cannot be sent: ${(found ?? problem).message}`, error.PROTOCOL_ERROR)
}

/** Walks again, as the encoder did, to the first value that cannot be sent; leaves its path in `steps`. */
function search(value: unknown, steps: Step[], ancestors: object[], depth: number): Unsendable | null {
  try {
    const children = typeof value === 'object' && value !== null ? childrenOf(value) : null
    if (children === null) {
      putValue(value, 0, depth)
      return null
    }
    if (ancestors.includes(value as object)) throw new Unsendable('it contains itself')
    deepen(depth)
    ancestors.push(value as object)
    for (const [step, child] of children) {
      steps.push(step)
      const found = search(child, steps, ancestors, depth + 1)
      if (found !== null) return found
      steps.pop()
    }
    ancestors.pop()
    return null
  } catch (problem) {
    if (problem instanceof Unsendable) return problem
    throw problem
  }
}
