// A native module for unit tests: records what is asked of it, and says what a test tells it to say.
import { createRequire } from 'node:module'
import { enumerations } from '../../../tools/format.mjs'

const require = createRequire(import.meta.url)
const { useNativeModule } = require('../../../dist/crossing/native-module.js')
const { resetDispatcher } = require('../../../dist/crossing/dispatcher.js')

/** The kinds of messages, in the order of their numbers. */
export const [KEYS, BATCH, READY, RESTART, SUMMARY, FAILURE, DONE, TOPOLOGY, LOG, ASK, COMMITTED] =
  enumerations()
    .find(({ name }) => name === 'Message')
    .members.map(({ value }) => value)

/** Puts a fake in place of the native module, for the time of a test. */
export function install(t) {
  const fake = new Fake()
  useNativeModule({
    Environment: function Environment() {
      return fake.engine
    }
  })
  resetDispatcher()
  t.after(() => {
    useNativeModule(undefined)
    resetDispatcher()
  })
  return fake
}

class Fake {
  drivers = []
  sessions = []
  refs = 0
  awake = false
  queue = []
  drains = []

  /** Pauses that no test has ended yet: `{op, ms}`. Those of op 0 end by themselves. */
  pauses = []

  engine = {
    listen: wake => {
      this.wake = wake
    },
    rest: () => {
      this.wake = undefined
    },
    outside: step => step(),
    pause: (op, ms) => {
      if (op === 0) setImmediate(() => this.say(done(0)))
      else this.pauses.push({ op, ms })
    },
    drain: inbox => {
      this.drains.push(inbox.length)
      let at = 0
      while (this.queue.length > 0 && at + this.queue[0].length <= inbox.length) {
        const message = this.queue.shift()
        inbox.set(message, at)
        at += message.length
      }
      if (at === 0 && this.queue.length > 0) return -this.queue[0].length
      return at
    },
    ref: () => this.refs++,
    unref: () => this.refs--,
    open: json => {
      const driver = new FakeDriver(this, JSON.parse(json))
      this.drivers.push(driver)
      return driver
    }
  }

  get driver() {
    return this.drivers.at(-1)
  }

  get session() {
    return this.sessions.at(-1)
  }

  /** Queues messages and wakes JavaScript; never in the middle of a wake, as the real one. */
  say(...messages) {
    this.queue.push(...messages)
    if (this.awake) return
    this.awake = true
    try {
      this.wake?.()
    } finally {
      this.awake = false
    }
  }
}

class FakeDriver {
  id = 1
  calls = []
  chosenServer = 0
  candidateServers = [0]

  constructor(fake, config) {
    this.fake = fake
    this.config = config
  }

  session(...opened) {
    const session = new FakeSession(this.fake, ...opened)
    this.fake.sessions.push(session)
    return session
  }

  reopen(session, ...opened) {
    session.open(...opened)
    this.fake.sessions.push(session)
  }

  bookmarkManager(number) {
    const manager = { number, bookmarks: [] }
    this.calls.push(['bookmarkManager', number])
    return {
      get: () => manager.bookmarks,
      update: (previous, next) => {
        manager.bookmarks = [...manager.bookmarks.filter(bookmark => !previous.includes(bookmark)), ...next]
      }
    }
  }

  choose(...args) {
    this.calls.push(['choose', ...args])
    return this.chosenServer
  }

  candidates() {
    return this.candidateServers
  }

  answer(...args) {
    this.calls.push(['answer', ...args])
  }

  ready(op) {
    this.readyOp = op
  }

  check(op) {
    this.checkOp = op
  }

  close(op) {
    this.calls.push(['close'])
    this.fake.say(done(op))
  }

  negotiate(op, server) {
    this.calls.push(['negotiate', server])
    this.fake.say(done(op, [5, 4]))
  }

  verify(op, server) {
    this.calls.push(['verify', server])
    this.fake.say(done(op, { address: 'a:1', version: [5, 4], agent: 'Neo4j/5.13.0' }))
  }
}

class FakeSession {
  /** Large batches that wait to be taken. */
  batches = []

  constructor(fake, ...opened) {
    this.fake = fake
    this.open(...opened)
  }

  open(write, rwMask, strategy, server, database, bookmarkManager, json) {
    const config = {
      ...(json === null ? {} : JSON.parse(json)),
      ...(database === undefined ? {} : { database }),
      ...(bookmarkManager < 0 ? {} : { bookmarkManager })
    }
    this.opened = {
      write,
      rwMask,
      strategy,
      server,
      config: Object.keys(config).length === 0 ? null : config
    }
    this.calls = []
    this.lastBookmarks = config.bookmarks ?? []
  }

  /** The last call of this name, as an object. */
  call(name) {
    return this.calls.findLast(call => call.name === name)
  }

  count(name) {
    return this.calls.filter(call => call.name === name).length
  }

  #note(name, op, more = {}) {
    const call = { name, op, ...more }
    this.calls.push(call)
    this[`on${name}`]?.(call)
    return call
  }

  run(...args) {
    this.#query('run', ...args)
  }

  execute(...args) {
    this.#query('execute', ...args)
  }

  #query(name, op, query, params, needs, config, metadata) {
    this.#note(name, op, {
      query,
      params: Buffer.from(params),
      needs,
      config: config === null ? null : JSON.parse(config),
      metadata
    })
  }

  begin(op, config, metadata) {
    this.#note('begin', op, { config: config === null ? null : JSON.parse(config), metadata })
  }

  commit(op) {
    this.#note('commit', op)
  }

  rollback(op) {
    this.#note('rollback', op)
    this.fake.say(done(op))
  }

  abort(op) {
    this.#note('abort', op)
  }

  close(op) {
    this.#note('close', op)
    this.fake.say(done(op))
  }

  more(op, batches) {
    this.#note('more', op, { batches })
  }

  take(op, into) {
    this.#note('take', op)
    const batch = this.batches.shift()
    if (batch === undefined) return false
    into.set(batch)
    return true
  }

  deliver(op, restarts) {
    this.#note('deliver', op, { restarts })
    return true
  }

  cancel(op, keeps) {
    this.#note('cancel', op, { keeps })
  }

  home() {
    return null
  }

  release() {
    return this.batches.length === 0
  }

  bookmarks() {
    return this.lastBookmarks
  }
}

// ---- messages ----

export function message(kind, op, arg, payload = Buffer.alloc(0)) {
  const bytes = Buffer.alloc((16 + payload.length + 7) & ~7)
  bytes.writeInt32LE(bytes.length, 0)
  bytes.writeInt32LE(kind, 4)
  bytes.writeInt32LE(op, 8)
  bytes.writeInt32LE(arg, 12)
  payload.copy(bytes, 16)
  return bytes
}

const json = (kind, op, value) => {
  const text = Buffer.from(JSON.stringify(value))
  return message(kind, op, text.length, text)
}

const words = (...values) => Buffer.from(Int32Array.from(values).buffer)

export const keys = (op, names, { server = 0, version = 0x0504, firstAfter = 7 } = {}) => {
  const text = Buffer.from(JSON.stringify(names))
  return message(
    KEYS,
    op,
    names.length,
    Buffer.concat([words(server, version, firstAfter, text.length), text])
  )
}
export const rows = (op, values) => message(BATCH, op, values.length, batch(values))
export const ready = (op, byteLength) => message(READY, op, byteLength)
export const summary = (
  op,
  { t_last = -1, ...metadata } = { type: 'r', t_last: 3 },
  {
    server = 0,
    version = 0x0504,
    hasRecords = true,
    isPartial = false,
    hasKeys = true,
    agent = 'Neo4j/5.13.0',
    address = 'localhost:7687'
  } = {}
) => {
  const value = batch([[metadata]])
  const whom = Buffer.from(`${agent}\n${address}`)
  const facts = [hasRecords, isPartial, hasKeys].reduce((bits, is, i) => bits | (Number(is) << (16 + i)), 0)
  const payload = Buffer.concat([words(server, t_last, version | facts, whom.length), value, whom])
  return message(SUMMARY, op, value.length, payload)
}
export const restart = op => message(RESTART, op, 0)
export const failure = (op, value) => json(FAILURE, op, value)
export const done = (op, value) => (value === undefined ? message(DONE, op, 0) : json(DONE, op, value))
export const topology = ({ servers, master }) =>
  json(TOPOLOGY, 1, { servers: [...servers.entries()], master })
export const log = (level, ...messages) =>
  json(
    LOG,
    1,
    messages.map(message => ({ level, message }))
  )
export const ask = (question, asked) => json(ASK, question, { driver: 1, ...asked })
export const committed = work => json(COMMITTED, 1, work)

/** A whole small result. */
export const result = (op, names, values, metadata) => [
  keys(op, names),
  rows(op, values),
  summary(op, metadata)
]

/** A batch of mixed columns: null, booleans, 28-bit integers, ASCII strings, lists and maps. */
export function batch(values) {
  const columns = values.length === 0 ? 0 : values[0].length
  const head = 12 + 4 * columns
  const offsets = []
  const tape = []
  let pool = ''
  const tapeAt = head + values.length * columns
  const text = string => {
    tape.push((string.length << 4) | 6, pool.length)
    pool += string
  }
  const put = value => {
    if (value === null) tape.push(0)
    else if (value === false) tape.push(1)
    else if (value === true) tape.push(2)
    else if (typeof value === 'number') tape.push((value << 4) | 3)
    else if (typeof value === 'string') text(value)
    else if (Array.isArray(value)) {
      tape.push((value.length << 4) | 8)
      value.forEach(put)
    } else {
      const entries = Object.entries(value)
      tape.push((entries.length << 4) | 9)
      for (const [key, item] of entries) {
        tape.push(-1)
        text(key)
        put(item)
      }
    }
  }
  for (let column = 0; column < columns; column++) {
    for (const row of values) {
      offsets.push(tapeAt + tape.length)
      put(row[column])
    }
  }
  const poolAt = 4 * (tapeAt + tape.length)
  const byteLength = (poolAt + pool.length + 7) & ~7
  const header = [
    values.length,
    columns,
    byteLength / 8,
    poolAt,
    pool.length,
    byteLength,
    0,
    0,
    0,
    0,
    byteLength,
    0
  ]
  for (let column = 0; column < columns; column++) header.push(0, head + column * values.length, 0, 0)
  const bytes = Buffer.alloc(byteLength)
  words(...header, ...offsets, ...tape).copy(bytes)
  bytes.write(pool, poolAt, 'latin1')
  return bytes
}
