import { Tag } from '../format.js'
import { BoundedCache, canCompile, compile, propertyName } from './codegen.js'
import { INTEGER, integerOf32, type Mode, make32 } from './integers.js'
import type { MapReaders, TapeReader } from './tape-reader.js'

type Entries = Record<string, unknown>

/** Reads the map at the batch's cursor, if these are the numbers of its keys; else null. */
type Reader = (batch: TapeReader, ids: readonly number[]) => Entries | null

// Maps read before a reader is compiled for their keys, as for nodes. Before that, so many of a result pass before any is looked at:
// a small one is done sooner without.
const COMPILE_AFTER = 200
const WARM_UP = 32
/** Keys of a map that a reader is compiled for. */
const MAX_KEYS = 64
/** Kinds of maps that a result may have before no more are noted: each that is only met once costs more than it gains. */
const MAX_KINDS = 128

/** How maps of equal keys are read; shared by all results of the process. */
class MapShape {
  readonly #mode: Mode
  readonly #names: readonly string[]
  #left = COMPILE_AFTER
  #reader: Reader | null = null

  constructor(mode: Mode, names: readonly string[]) {
    this.#mode = mode
    this.#names = names
  }

  /** Null while there have been too few. */
  get reader(): Reader | null {
    if (this.#reader === null && --this.#left <= 0) this.#reader = compiled(this.#mode, this.#names)
    return this.#reader
  }
}

const shapes = new BoundedCache<string, MapShape>(2048)

/** Maps of one result that have these keys. */
interface Kind {
  readonly ids: readonly number[]
  readonly shape: MapShape
  /** The next that begins with the same key. */
  readonly next: Kind | null
}

/** The kinds of maps of one result, found by their first key and size. */
export class KnownMaps implements MapReaders {
  readonly #mode: Mode
  readonly #strings: readonly string[]
  /** By the number of the first key. */
  readonly #kinds: (Kind | null)[] = []
  #passed = 0
  #noted = 0

  constructor(mode: Mode, strings: readonly string[]) {
    this.#mode = mode
    this.#strings = strings
  }

  read(batch: TapeReader, size: number): Entries | null {
    const start = batch.p
    const first = batch.i32[start]
    const kind = this.#find(first, size)
    const reader = kind === null ? null : kind.shape.reader
    if (kind === null || reader === null) return null
    const map = reader(batch, kind.ids)
    if (map === null) {
      // It begins the same and goes on otherwise: whoever reads it anew may note it in this one's place.
      batch.p = start
      this.#drop(first, kind)
    }
    return map
  }

  lacks(first: number, size: number): boolean {
    if (size > MAX_KEYS || this.#noted >= MAX_KINDS || !canCompile) return false
    return ++this.#passed > WARM_UP && this.#find(first, size) === null
  }

  note(ids: readonly number[]): void {
    const first = ids[0]
    if (ids.includes(-1)) return
    this.#noted++
    const names = ids.map(id => this.#strings[id])
    const text = JSON.stringify([this.#mode, names])
    const shape = shapes.get(text) ?? shapes.set(text, new MapShape(this.#mode, names))
    while (this.#kinds.length <= first) this.#kinds.push(null)
    this.#kinds[first] = { ids, shape, next: this.#kinds[first] }
  }

  #find(first: number, size: number): Kind | null {
    if (size === 0 || first < 0 || first >= this.#kinds.length) return null
    let kind = this.#kinds[first]
    while (kind !== null && kind.ids.length !== size) kind = kind.next
    return kind
  }

  #drop(first: number, kind: Kind): void {
    const others: Kind[] = []
    for (let other = this.#kinds[first]; other !== null; other = other.next) {
      if (other !== kind) others.push(other)
    }
    this.#kinds[first] = others.reduceRight<Kind | null>((next, other) => ({ ...other, next }), null)
  }
}

/** The map is one object literal, so one hidden class; the commonest values are read on the spot. */
function compiled(mode: Mode, names: readonly string[]): Reader {
  const int = mode === INTEGER ? 'integerOf32(w>>4)' : `make32(${mode},w>>4)`
  const entries = names.map((name, i) => `${propertyName(name)}:v${i}`)
  const body = names.map(
    (_, i) =>
      `if(i32[p]!==ids[${i}])return null;w=i32[p+1];let v${i};switch(w&15){` +
      `case ${Tag.INT28}:v${i}=${int};p+=2;break;` +
      `case ${Tag.F64}:v${i}=f64[floats+(w>>4)];p+=2;break;` +
      `case ${Tag.DICT}:v${i}=strings[w>>4];p+=2;break;` +
      `case ${Tag.STR8}:v${i}=batch.ascii(i32[p+2],w>>4);p+=3;break;` +
      `default:batch.p=p+1;v${i}=batch.value();p=batch.p}`
  )
  return compile<Reader>(
    { integerOf32, make32 },
    'return(batch,ids)=>{const{i32,f64,floats}=batch,{strings}=batch.dictionary;let p=batch.p,w=0;' +
      `${body.join('')}batch.p=p;return{${entries}}}`
  )
}
