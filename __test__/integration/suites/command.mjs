// `npx neo4j-ha-bolt-driver` on real servers: what it says is committed, but for times and ports.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { as, command, matches } from '../../support/command.mjs'
import { portOf, test, tlsFront } from '../support.mjs'

const snapshots = new URL('../snapshots/', import.meta.url)
const COMMANDS = ['status', 'ping', 'doctor']

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set its servers must lock nobody out
 * @param {object} about
 * @param {boolean} [about.checksOverHttp] the members have status endpoints
 * @param {string} [about.role] what each is otherwise, over Bolt
 * @param {number[]} [about.bolt] the version that is agreed on
 */
export const commandSuite = (set, { checksOverHttp = false, role, bolt }) =>
  describe('the command line', () => {
    const uris = () => {
      const { members } = set.cluster
      return [...(checksOverHttp ? members.map(({ http }) => http) : []), ...members.map(one => one.bolt)]
    }
    const run = (name, ...more) => command([name, ...uris(), ...more], as(set.cluster.auth))

    test('status knows every member', async () => {
      const { code, stdout } = await run('status', '--json')
      assert.equal(code, 0, stdout)
      const { master, members } = JSON.parse(stdout)
      const known = await set.cluster.status()
      assert.deepEqual(
        members.map(one => one.role),
        known.map(one => (checksOverHttp ? one.role : role))
      )
      assert.ok(members.some(({ member, isMaster }) => isMaster && member === master))
      for (const { product, protocol, error } of members) {
        assert.match(product, /^Neo4j\/\d/)
        assert.equal(protocol, bolt.join('.'))
        assert.equal(error, null)
      }
    })

    test('ping goes all the way, at each member', async () => {
      const { code, stdout } = await run('ping', '--json')
      assert.equal(code, 0, stdout)
      const pinged = JSON.parse(stdout)
      assert.equal(pinged.length, set.cluster.members.length)
      for (const { parts } of pinged) {
        assert.deepEqual(
          parts.map(({ part }) => part),
          ['name', 'TCP', 'TLS', 'Bolt', 'login', 'route', 'server', 'records']
        )
      }
    })

    test('doctor finds nothing', async () => {
      const { code, stdout } = await run('doctor')
      assert.equal(code, 0, stdout)
      assert.match(stdout, /clock +it is as late there as here/)
    })
  })

/** The same of a single server whose certificate is for `localhost` alone: as it is, and all that people get wrong. */
export const singleCommandSuite = (set, { ca }) =>
  describe('what the command line says', () => {
    const member = () => set.cluster.members[0]
    const port = () => portOf(member())
    const ports = () => ({ bolt: port(), http: Number(new URL(member().http).port) })
    const trusting = { NODE_EXTRA_CA_CERTS: ca.file }

    for (const name of COMMANDS) {
      const says = (what, args, env, more) =>
        test(
          `${name}: ${what}`,
          async t => {
            const [uri, others] = await args(t)
            matches(
              snapshots,
              `${name}: ${what}`.replace(/\W+/g, '-'),
              await command([name, ...uri], env()),
              {
                ...ports(),
                ...others
              }
            )
          },
          more
        )
      const own = () => as(set.cluster.auth)
      says('a single server', () => [[member().bolt]], own)
      says(
        'over TLS',
        () => [[`bolt+s://localhost:${port()}`]],
        () => ({ ...own(), ...trusting })
      )
      says('by neo4j', () => [[`neo4j://127.0.0.1:${port()}`]], own)
      says(
        'a wrong password',
        () => [[member().bolt]],
        () => as({ user: 'neo4j', pass: 'wrong' })
      )
      says(
        'no password',
        () => [[member().bolt]],
        () => ({})
      )
      says('the HTTP port given as Bolt', () => [[`bolt://127.0.0.1:${ports().http}`]], own)
      says(
        'a certificate for another name',
        async t => {
          const { key, cert } = ca.issue(['DNS:elsewhere.test'])
          const front = await tlsFront(t, port(), { key, cert })
          return [[`bolt+s://localhost:${front.port}`], { front: front.port }]
        },
        () => ({ ...own(), ...trusting })
      )
    }
  })
