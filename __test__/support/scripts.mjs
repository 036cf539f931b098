// The words of a script: what a query is answered with, and what goes wrong.

/** The answer to a query that fails. `more` holds the GQL fields of Bolt 5.7+: gql_status, description, cause ... */
export const failure = (code, message = 'scripted failure', more = {}) => ({
  failure: { code, message, ...more }
})

/** The answer to a query that returns `records`, one column `n` unless told. */
export const rows = (values, fields = ['n']) => ({
  fields,
  records: values.map(value => (Array.isArray(value) ? value : [value]))
})

/** A routing table as a server tells it. Lists are of addresses. */
export const routingTable = ({ ttl = 300, db = 'neo4j', routers = [], readers = [], writers = [] }) => ({
  ttl,
  db,
  servers: [
    { addresses: routers, role: 'ROUTE' },
    { addresses: readers, role: 'READ' },
    { addresses: writers, role: 'WRITE' }
  ]
})

/** The same as the only record of a procedure, which gives no bookmark. */
export const tableRows = ({ ttl, servers }) => ({
  ...rows([[ttl, servers]], ['ttl', 'servers']),
  routing: true
})

/** What was asked of a router, out of the message of any version. */
export const routeOf = ({ name, fields }) => {
  if (name === 'ROUTE') {
    const [context, bookmarks, more] = fields
    const modern = more !== null && typeof more === 'object'
    return {
      form: 'ROUTE',
      context,
      bookmarks,
      database: (modern ? more.db : more) ?? undefined,
      impersonatedUser: modern ? more.imp_user : undefined
    }
  }
  const [query, { context, database }, metadata] = fields
  return {
    form: query,
    context,
    bookmarks: metadata?.bookmarks ?? [],
    database: database ?? undefined,
    impersonatedUser: undefined
  }
}

/** For `when`: the reply leaves only when `gate` resolves. */
export const held = gate => async exchange => {
  await gate
  await exchange.reply()
}

/** For `when`: the reply leaves after `ms`. */
export const delayed = ms => async exchange => {
  await new Promise(resolve => setTimeout(resolve, ms))
  await exchange.reply()
}

/** For `when`: no reply ever, and nothing behind it is answered either. */
export const silence = () => {}

/** For `when`: `n` records of the result go out, then `next` happens. */
export const afterRecords = (n, next) => async exchange => {
  await exchange.records(n)
  await next(exchange)
}

/** A gate for `held`: `gate.open()` lets all through. */
export const gate = () => {
  let open
  const promise = new Promise(resolve => {
    open = resolve
  })
  return Object.assign(promise, { open })
}

const statistics = {
  'nodes-created': 1,
  'labels-added': 1,
  'properties-set': 1,
  'contains-updates': true
}

/** What EXPLAIN tells of a query: the plan is no test's business, the type is. */
export const explained = query => ({
  fields: [],
  records: [],
  summary: { type: /\b(CREATE|MERGE|SET|DELETE|REMOVE)\b/i.test(query) ? 'rw' : 'r' }
})

/** What is answered without being told: enough for a test that is not about the answer. */
export const fallback = ({ query, parameters, version }) => {
  const literal = /^\s*RETURN\s+(-?\d+)(?:\s+AS\s+(\w+))?\s*$/i.exec(query)
  if (literal) return rows([[BigInt(literal[1])]], [literal[2] ?? literal[1]])
  const echo = /^\s*RETURN\s+(?:\$(\w+)|\{(\w+)\})(?:\s+AS\s+(\w+))?\s*$/i.exec(query)
  if (echo) {
    const name = echo[1] ?? echo[2]
    return rows([[parameters[name]]], [echo[3] ?? (echo[1] ? `$${name}` : `{${name}}`)])
  }
  const range = /^\s*UNWIND\s+range\((\d+),\s*(\d+)\)\s+AS\s+(\w+)\s+RETURN\s+\3\s*$/i.exec(query)
  if (range) {
    const [, from, to, name] = range
    return { fields: [name], records: count(Number(from), Number(to)) }
  }
  if (/^\s*(CREATE|MERGE|MATCH .*(SET|DELETE))\b/i.test(query)) {
    const stats = { ...statistics }
    if (version.rank < 0x500) delete stats['contains-updates']
    return { fields: [], records: [], summary: { type: 'w', stats } }
  }
  return failure('Neo.ClientError.Statement.SyntaxError', `Invalid input: no script for "${query}"`)
}

function* count(from, to) {
  for (let n = from; n <= to; n++) yield [n]
}
