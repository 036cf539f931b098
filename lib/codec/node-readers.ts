import { Node } from 'neo4j-driver-core'
import { PropertyKind } from '../format.js'
import { canCompile, compile, literal, propertyName } from './codegen.js'
import { constructorOf } from './instances.js'
import { INTEGER, integerOf, type Mode, make } from './integers.js'
import { define } from './names.js'
import type { NodeReader, TapeReader } from './tape-reader.js'

/** Reads one node of a shape at the batch's cursor. */
type Reader = NodeReader['read']

// Nodes read before a reader is compiled for their shape: compiling costs as much as reading some hundreds
// the slow way.
const COMPILE_AFTER = 200

interface Layout {
  readonly mode: Mode
  readonly labels: readonly string[]
  readonly keys: readonly string[]
  readonly types: readonly number[]
  readonly hasElementId: boolean
}

/** How nodes of equal labels, property names and types are read; shared by all results of the process. */
class NodeShape implements NodeReader {
  readonly #layout: Layout
  #left = canCompile ? COMPILE_AFTER : Number.POSITIVE_INFINITY
  /** Reads a node at the batch's cursor, and moves behind it. */
  read: Reader

  constructor(layout: Layout) {
    this.#layout = layout
    const slow = interpreted(layout)
    this.read = batch => {
      if (--this.#left <= 0) this.read = compiled(this.#layout)
      return slow(batch)
    }
  }
}

// Shapes known to the process, found label by label and property by property: a small result pays a few
// look-ups for each, not the making of a text. A step is a label, a property's name, or a number; all shapes
// are forgotten when the steps are too many.
type Step = string | number
class Branch {
  readonly next = new Map<Step, Branch>()
  shape: NodeShape | null = null
}
const STEPS_KEPT = 50_000
let root = new Branch()
let steps = 0

function follow(branch: Branch, step: Step): Branch {
  return branch.next.get(step) ?? grow(branch, step)
}

function grow(branch: Branch, step: Step): Branch {
  const made = new Branch()
  branch.next.set(step, made)
  steps++
  return made
}

/** Takes in the shape at word `p` of the batch; returns the word behind it. */
export function addShape(batch: TapeReader, p: number): number {
  const { i32, dictionary } = batch
  const { strings, mode } = dictionary
  if (steps > STEPS_KEPT) {
    root = new Branch()
    steps = 0
  }
  const start = p
  let branch = follow(root, mode * 2 + i32[p++])
  let n = i32[p++]
  branch = follow(branch, n)
  for (; n > 0; n--) branch = follow(branch, strings[i32[p++]])
  for (n = i32[p++]; n > 0; n--, p += 2) branch = follow(follow(branch, strings[i32[p]]), i32[p + 1])
  branch.shape ??= new NodeShape(layoutAt(batch, start))
  dictionary.shapes.push(branch.shape)
  return p
}

function layoutAt({ i32, dictionary: { strings, mode } }: TapeReader, p: number): Layout {
  const hasElementId = i32[p++] !== 0
  const labels: string[] = []
  const keys: string[] = []
  const types: number[] = []
  for (let n = i32[p++]; n > 0; n--) labels.push(strings[i32[p++]])
  for (let n = i32[p++]; n > 0; n--) {
    keys.push(strings[i32[p++]])
    types.push(i32[p++])
  }
  return { mode, labels, keys, types, hasElementId }
}

const NodeOf = constructorOf(
  Node,
  function (identity: unknown, labels: string[], properties: Record<string, unknown>, elementId: string) {
    this.identity = identity
    this.labels = labels
    this.properties = properties
    this.elementId = elementId
  }
)

function interpreted({ mode, labels, keys, types, hasElementId }: Layout): Reader {
  const plain = keys.map(key => !(key in Object.prototype))
  return batch => {
    const { i32 } = batch
    const identity = make(mode, i32[batch.p], i32[batch.p + 1])
    batch.p += 2
    const properties: Record<string, unknown> = {}
    for (let i = 0; i < keys.length; i++) {
      const value = property(batch, types[i])
      if (plain[i]) properties[keys[i]] = value
      else define(properties, keys[i], value)
    }
    const elementId = hasElementId ? (batch.value() as string) : identity.toString()
    return new NodeOf(identity, labels.slice(), properties, elementId)
  }
}

function property(batch: TapeReader, type: number): unknown {
  const { i32 } = batch
  switch (type) {
    case PropertyKind.GENERIC:
      return batch.value()
    case PropertyKind.INT: {
      const p = batch.p
      batch.p = p + 2
      return make(batch.mode, i32[p], i32[p + 1])
    }
    case PropertyKind.FLOAT:
      return batch.f64[batch.floats + i32[batch.p++]]
    case PropertyKind.STRING: {
      const n = i32[batch.p++]
      return n < 0 ? batch.dictionary.strings[~n] : batch.ascii(i32[batch.p++], n)
    }
    case PropertyKind.BOOL:
      return i32[batch.p++] !== 0
    default:
      return null
  }
}

/**
 * The same as {@link interpreted}, as straight-line code: the properties are one object literal, so one
 * hidden class.
 */
function compiled({ mode, labels, keys, types, hasElementId }: Layout): Reader {
  const int = (): string => {
    const at = mode === INTEGER ? 'integerOf(i32[p],i32[p+1])' : 'make(mode,i32[p],i32[p+1])'
    return `${at};p+=2;`
  }
  let body = `const i32=batch.i32,mode=${mode};let p=batch.p,n=0;const id=${int()}`
  const entries: string[] = []
  types.forEach((type, i) => {
    const v = `v${i}`
    entries.push(`${propertyName(keys[i])}:${v}`)
    switch (type) {
      case PropertyKind.GENERIC:
        body += `batch.p=p;const ${v}=batch.value();p=batch.p;`
        break
      case PropertyKind.INT:
        body += `const ${v}=${int()}`
        break
      case PropertyKind.FLOAT:
        body += `const ${v}=batch.f64[batch.floats+i32[p++]];`
        break
      case PropertyKind.STRING:
        body += `n=i32[p++];const ${v}=n<0?batch.dictionary.strings[~n]:batch.ascii(i32[p++],n);`
        break
      case PropertyKind.BOOL:
        body += `const ${v}=i32[p++]!==0;`
        break
      default:
        body += `const ${v}=null;`
    }
  })
  body += 'batch.p=p;'
  body += hasElementId ? 'const e=batch.value();' : 'const e=id.toString();'
  const source = `return batch=>{${body}return new NodeOf(id,[${labels.map(literal)}],{${entries}},e)}`
  return compile<Reader>({ NodeOf, integerOf, make }, source)
}
