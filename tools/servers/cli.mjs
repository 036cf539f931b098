#!/usr/bin/env node
// npm run servers -- ...   Progress goes to stderr, the result to stdout (a table; JSON with --json).

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { table } from '../../lib/cli/table.js'
import { fail, UserError } from '../lib/exec.mjs'
import { attach, down, fetch, products, up } from './index.mjs'
import { instances, rootFolder } from './instances.mjs'

const USAGE = `Real Neo4j servers on loopback, from Maven artifacts.

  npm run servers -- list                         what can be run, and what is up
  npm run servers -- fetch NAME...                download only
  npm run servers -- up NAME                      start from empty data, wait until ready
  npm run servers -- status NAME                  each member's role, pid and memory
  npm run servers -- signal NAME MEMBER SIGNAL    KILL, TERM, STOP or CONT one member
  npm run servers -- start NAME MEMBER            start a stopped member again on its data
  npm run servers -- down [NAME...]               kill, and remove the data (without a name: all)

NAME is one of the list, 'single' for 5.26; with a suffix, as in ha@mine, several of one kind can be up.

  --password P      of the user neo4j (default: neo4j-password)
  --no-auth         no authentication
  --port P          the first of 60 ports (default: a free block)
  --set KEY=VALUE   a line of neo4j.conf; repeatable
  --certificate F   PEM file with the certificate of the servers, beside --key F with its key
  --client-ca F     PEM file; over TLS, Bolt then wants a client certificate of this authority (Neo4j 4 and later)
  --timeout S       seconds to wait until ready (default: 240)
  --dir D           downloads and data (default: $NEO4J_SERVERS_DIR, or neo4j-ha-bolt-driver/servers in the cache folder)
  --json            print JSON

Needs Maven, a JDK 17 and OpenSSL; 2026 needs a Java 21 or 25. HTTPS and Bolt have a self-signed certificate if
none is given; Bolt takes plain connections too.`

const OPTIONS = {
  password: { type: 'string' },
  'no-auth': { type: 'boolean' },
  port: { type: 'string' },
  set: { type: 'string', multiple: true },
  certificate: { type: 'string' },
  key: { type: 'string' },
  'client-ca': { type: 'string' },
  timeout: { type: 'string' },
  dir: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' }
}

const COMMANDS = {
  list({ dir, json }) {
    const running = instances(rootFolder(dir))
    if (json) return { products, up: running }
    const rows = products.map(p => [p.name, p.version, p.members, p.java.join(' or '), p.summary])
    const list = table(['name', 'version', 'members', 'Java', ''], rows)
    return `${list}\n\nup: ${running.join(' ') || 'none'}`
  },

  async fetch(options, ...names) {
    needed(names[0], 'NAME')
    const done = {}
    for (const name of names) {
      const began = Date.now()
      await fetch(name, options)
      done[name] = (Date.now() - began) / 1000
    }
    return options.json
      ? done
      : Object.entries(done)
          .map(([name, s]) => `${name} is there (${s.toFixed(1)} s)`)
          .join('\n')
  },

  async up(options, name) {
    const began = Date.now()
    const cluster = await up(needed(name, 'NAME'), options)
    options.onProgress(`ready after ${((Date.now() - began) / 1000).toFixed(1)} s`)
    return report(cluster, options)
  },

  async status(options, name) {
    return report(await attach(needed(name, 'NAME'), options), options)
  },

  async signal(options, name, member, signal) {
    const cluster = await attach(needed(name, 'NAME'), options)
    const pid = cluster.signal(needed(member, 'MEMBER'), needed(signal, 'SIGNAL'))
    if (options.json) return { member: Number(member), pid }
    return pid === null
      ? `member ${member} is not running`
      : `sent ${signal} to member ${member} (pid ${pid})`
  },

  async start(options, name, member) {
    const cluster = await attach(needed(name, 'NAME'), options)
    const role = await cluster.start(needed(member, 'MEMBER'), options)
    return options.json ? { member: Number(member), role } : `member ${member} is ${role}`
  },

  async down(options, ...names) {
    const removed = []
    for (const name of names.length > 0 ? names : [undefined]) removed.push(...(await down(name, options)))
    return options.json ? { down: removed } : `down: ${removed.join(' ') || 'nothing was up'}`
  }
}

function needed(word, what) {
  if (word === undefined) throw new UserError(`${what} is missing.\n\n${USAGE}`)
  return word
}

function report(cluster, { json }) {
  const { instance, version, auth, members } = cluster
  if (json) return { name: instance, version, auth, members }
  const rows = members.map(m => [
    m.member,
    m.role ?? (m.pid ? 'no role' : 'down'),
    m.bolt,
    m.http,
    m.https,
    m.pid,
    m.rss
  ])
  const list = table(['member', 'role', 'bolt', 'http', 'https', 'pid', 'MiB'], rows)
  const login = auth ? `user ${auth.user}, password ${auth.pass}` : 'no authentication'
  return `${instance} (Neo4j ${version}), ${login}\n${list}\ncertificate: ${members[0].certificate}`
}

function readNumber(text, name) {
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw new UserError(`--${name} takes a whole number, not '${text}'`)
  return Number(text)
}

function readSettings(lines = []) {
  return Object.fromEntries(
    lines.map(line => {
      const at = line.indexOf('=')
      if (at < 1) throw new UserError(`--set takes KEY=VALUE, not '${line}'`)
      return [line.slice(0, at), line.slice(at + 1)]
    })
  )
}

function readPem(file) {
  try {
    return file === undefined ? undefined : readFileSync(file)
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${error.message}`)
  }
}

function readCertificate({ certificate, key }) {
  if ((certificate === undefined) !== (key === undefined))
    throw new UserError('--certificate and --key go together')
  return certificate && { certificate: { cert: readPem(certificate), key: readPem(key) } }
}

async function main() {
  let parsed
  try {
    parsed = parseArgs({ options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new UserError(`${error.message}\n\n${USAGE}`)
  }
  const { values, positionals } = parsed
  const [command, ...words] = positionals
  if (values.help || command === undefined) return console.log(USAGE)
  if (!Object.hasOwn(COMMANDS, command)) throw new UserError(`there is no command '${command}'\n\n${USAGE}`)
  if (process.platform === 'win32')
    throw new UserError('the servers run on Linux and macOS (on Windows: inside WSL)')
  const began = Date.now()
  const seconds = readNumber(values.timeout, 'timeout')
  const result = await COMMANDS[command](
    {
      dir: values.dir,
      json: values.json ?? false,
      password: values.password,
      auth: !values['no-auth'],
      port: readNumber(values.port, 'port'),
      settings: readSettings(values.set),
      ...readCertificate(values),
      clientAuthority: readPem(values['client-ca']),
      timeout: seconds === undefined ? undefined : seconds * 1000,
      owner: null,
      onProgress: text => console.error(`[${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s] ${text}`)
    },
    ...words
  )
  console.log(values.json ? JSON.stringify(result, null, 1) : result)
}

main().catch(fail)
