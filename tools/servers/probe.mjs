// Asking a running member what it is: by its HTTP status paths, a Bolt handshake, and a query over HTTP.
// None of it goes through the driver of this project, so tests may check the driver against it.

import { request } from 'node:http'
import { connect } from 'node:net'
import { era } from './catalog.mjs'

const HOST = '127.0.0.1'
const TIMEOUT = 2_000 // a member that was stopped by SIGSTOP takes connections and says nothing
const MANAGE = '/db/manage/server/'

/**
 * One HTTP exchange; status 0 where nothing answers.
 *
 * @returns {Promise<{ status: number, body: string }>}
 */
function http(port, path, auth, { body, timeout = TIMEOUT } = {}) {
  return new Promise(resolve => {
    const none = () => resolve({ status: 0, body: '' })
    const headers = { Accept: 'application/json, text/plain', Connection: 'close' }
    if (auth) headers.Authorization = `Basic ${Buffer.from(`${auth.user}:${auth.pass}`).toString('base64')}`
    if (body) headers['Content-Type'] = 'application/json'
    const method = body ? 'POST' : 'GET'
    const req = request(
      { host: HOST, port, path, method, headers, agent: false, signal: AbortSignal.timeout(timeout) },
      answer => {
        let text = ''
        answer.setEncoding('utf8')
        answer.on('data', part => {
          text += part
        })
        answer.on('end', () => resolve({ status: answer.statusCode, body: text }))
        answer.on('error', none)
      }
    )
    req.on('error', none)
    req.end(body)
  })
}

/**
 * What a member says it is: master, slave, leader, follower, replica or single; null while it says nothing of the kind.
 *
 * @param {import('./configuration.mjs').Member} member
 * @param {{ user: string, pass: string } | null} auth
 * @returns {Promise<string | null>}
 */
export async function role({ product, ports, replica }, auth) {
  const ok = async path => (await http(ports.http, path, auth)).status === 200
  if (product.kind === 'ha') {
    const { status, body } = await http(ports.http, `${MANAGE}ha/available`, auth)
    return status === 200 ? body : null
  }
  if (replica) return (await ok(`${MANAGE}read-replica/available`)) ? 'replica' : null
  if (product.kind === 'cc') {
    if (await ok(`${MANAGE}core/writable`)) return 'leader'
    return (await ok(`${MANAGE}core/read-only`)) ? 'follower' : null
  }
  return (await ok('/')) ? 'single' : null
}

/** Whether the Bolt port agrees on a version (4.4, 4.0, 3 or 1). */
export function boltAnswers({ ports }) {
  return new Promise(resolve => {
    const socket = connect({ host: HOST, port: ports.bolt })
    let answer = Buffer.alloc(0)
    const end = result => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(TIMEOUT, () => end(false))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.on('connect', () => socket.write(Buffer.from('6060B01700000404000000040000000300000001', 'hex')))
    socket.on('data', part => {
      answer = Buffer.concat([answer, part])
      if (answer.length >= 4) end(answer.readUInt32BE(0) !== 0)
    })
  })
}

/**
 * Runs a query over the server's HTTP API, in a transaction of its own.
 *
 * @param {import('./configuration.mjs').Member} member
 * @param {{ user: string, pass: string } | null} auth
 * @param {string} statement
 * @param {object} [parameters]
 * @param {number} [timeout] ms
 * @returns {Promise<unknown[][]>} the rows, as JSON has them
 * @throws {Error} with the server's code and message
 */
export async function query({ member, product, ports }, auth, statement, parameters = {}, timeout = 30_000) {
  const path = era(product) === 3 ? '/db/data/transaction/commit' : '/db/neo4j/tx/commit'
  const body = JSON.stringify({ statements: [{ statement, parameters }] })
  const answer = await http(ports.http, path, auth, { body, timeout })
  const text = `member ${member} answered ${answer.status || 'nothing'} over HTTP`
  if (answer.status !== 200 && answer.status !== 201) throw new Error(`${text}: ${answer.body.slice(0, 300)}`)
  const { results, errors } = JSON.parse(answer.body)
  if (errors.length > 0) throw new Error(`${text}: ${errors[0].code}: ${errors[0].message}`)
  return results[0].data.map(({ row }) => row)
}

/** The role of a member that serves: it says its role, agrees on a Bolt version, and can read its store. Else null. */
export async function readyRole(member, auth) {
  const [said, bolt] = await Promise.all([role(member, auth), boltAnswers(member)])
  if (!said || !bolt) return null
  try {
    // Bolt and HTTP open before the store does after a restart ('is closed')
    await query(member, auth, 'MATCH (n) RETURN 1 LIMIT 1', {}, TIMEOUT)
    return said
  } catch {
    return null
  }
}
