// Users of a real server: passwords that change while a driver is at work, and sessions of somebody else.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe } from 'node:test'
import { connect, failing, neo4j, open, test, value } from '../support.mjs'

const UNAUTHORIZED = 'Neo.ClientError.Security.Unauthorized'

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set a single server, which must lock nobody out
 * @param {object} about
 * @param {[number, number]} about.bolt the version that is agreed on
 * @param {string} [about.scheme] of the URI
 */
export const userSuite = (set, { bolt, scheme }) =>
  describe(`users${scheme ? ` by ${scheme}://` : ''}`, () => {
    const isOld = bolt[0] === 3
    const WHO = isOld
      ? 'CALL dbms.showCurrentUser() YIELD username RETURN username'
      : 'SHOW CURRENT USER YIELD user RETURN user'
    const start = (t, config) => connect(t, set.cluster, { scheme, ...config })
    const system = isOld ? {} : { database: 'system' }

    /** A new user, for one test; what the driver of the administrator does with it, besides. */
    const newUser = async t => {
      const admin = start(t)
      const name = `u${randomUUID().replaceAll('-', '')}`
      const user = { name, password: 'first-password' }
      const run = (text, parameters) => admin.executeQuery(text, parameters, system)
      if (isOld)
        await run('CALL dbms.security.createUser($name, $password, false)', { name, password: user.password })
      else
        await run(`CREATE USER ${name} SET PASSWORD $password CHANGE NOT REQUIRED`, {
          password: user.password
        })
      return {
        name,
        token: () => neo4j.auth.basic(name, user.password),
        /** The user changes the password, as the user. */
        async change(password) {
          const driver = start(t, { token: neo4j.auth.basic(name, user.password) })
          const [text, parameters] = isOld
            ? ['CALL dbms.security.changePassword($password)', { password }]
            : ['ALTER CURRENT USER SET PASSWORD FROM $old TO $password', { old: user.password, password }]
          await driver.executeQuery(text, parameters, system)
          user.password = password
        }
      }
    }
    const who = async (driver, config) => value(await driver.executeQuery(WHO, {}, { ...system, ...config }))

    test('a user logs in, works, and is known by name', async t => {
      const { name, token } = await newUser(t)
      assert.equal(await who(start(t)), 'neo4j')
      assert.equal(await who(start(t, { token: token() })), name)
    })

    test('a manager of basic tokens is asked once, and its token used for all work', async t => {
      const { name, token } = await newUser(t)
      let asked = 0
      const manager = neo4j.authTokenManagers.basic({
        tokenProvider: async () => {
          asked++
          return token()
        }
      })
      const driver = start(t, { token: manager })
      assert.deepEqual(await Promise.all(Array.from({ length: 20 }, () => who(driver))), Array(20).fill(name))
      assert.equal(asked, 1)
    })

    test('a password that changes meanwhile: the manager is asked again, and work goes on', async t => {
      const user = await newUser(t)
      const given = []
      const manager = neo4j.authTokenManagers.basic({
        tokenProvider: async () => {
          given.push(user.token().credentials)
          return user.token()
        }
      })
      // every piece of work on a connection of its own, so that each logs in
      const driver = start(t, { token: manager, maxConnectionLifetime: 1 })
      for (const password of ['second-password', 'third-password']) {
        assert.equal(await who(driver), user.name)
        await user.change(password)
        assert.equal(await who(driver), user.name, 'a transaction function goes on by itself')
        const session = driver.session({ ...system, defaultAccessMode: 'READ' })
        assert.equal(value(await session.run(WHO)), user.name)
        await session.close()
      }
      assert.deepEqual(given, ['first-password', 'second-password', 'third-password'])
    })

    test('without a manager, a password that changed is an error', async t => {
      const user = await newUser(t)
      const driver = start(t, { token: user.token(), maxConnectionLifetime: 1 })
      assert.equal(await who(driver), user.name)
      await user.change('second-password')
      assert.equal((await failing(who(driver))).code, UNAUTHORIZED)
      assert.equal(await driver.verifyAuthentication(), false)
    })

    test('a manager of bearer tokens that the server does not take: an error, after one more try', async t => {
      let asked = 0
      const manager = neo4j.authTokenManagers.bearer({
        tokenProvider: async () => {
          asked++
          return { token: neo4j.auth.bearer('no-such-token') }
        }
      })
      const driver = start(t, { token: manager })
      const error = await failing(driver.session(system).run(WHO))
      assert.match(error.code, /^Neo\.ClientError\.Security\./)
      assert.ok(!error.message.includes('no-such-token'))
      assert.ok(asked >= 1 && asked <= 2, `it was asked ${asked} times`)
    })

    test('what a token provider throws surfaces', async t => {
      const reason = new Error('the vault is closed')
      const driver = start(t, {
        token: neo4j.authTokenManagers.basic({
          tokenProvider: async () => {
            throw reason
          }
        })
      })
      const error = await failing(driver.session(system).run(WHO))
      assert.match(error.message, /the vault is closed/)
    })

    test('the servers of Neo4jHA take managers too', async t => {
      const user = await newUser(t)
      const auth = neo4j.authTokenManagers.basic({ tokenProvider: async () => user.token() })
      const driver = open(t, set.cluster.members[0].bolt, { auth })
      await driver.ready
      const session = driver.session({ ...system, defaultAccessMode: 'WRITE' })
      assert.equal(value(await session.run(WHO)), user.name)
      await session.close()
    })

    // ---- sessions of somebody else ----

    test('sessions with an auth of their own work as that user, beside others on the same pool', async t => {
      const user = await newUser(t)
      const other = await newUser(t)
      const driver = start(t, { maxConnectionPoolSize: 2 })
      const as = async auth => {
        const session = driver.session({ ...system, auth })
        try {
          return value(await session.run(WHO))
        } finally {
          await session.close()
        }
      }
      for (let n = 0; n < 3; n++) {
        assert.deepEqual(
          await Promise.all([as(user.token()), as(undefined), as(other.token()), as(undefined)]),
          [user.name, 'neo4j', other.name, 'neo4j']
        )
      }
      assert.equal(await who(driver, { auth: user.token() }), user.name, 'executeQuery')
      assert.equal(await who(driver), 'neo4j')
    })

    test('a session with a wrong auth is refused, and the others go on', async t => {
      const { name } = await newUser(t)
      const driver = start(t)
      const session = driver.session({ ...system, auth: neo4j.auth.basic(name, 'wrong') })
      assert.equal((await failing(session.run(WHO))).code, UNAUTHORIZED)
      await session.close()
      assert.equal(await who(driver), 'neo4j')
    })

    test('verifyAuthentication says who would be let in', async t => {
      const user = await newUser(t)
      const driver = start(t)
      assert.equal(await driver.verifyAuthentication({ auth: user.token() }), true)
      assert.equal(await driver.verifyAuthentication({ auth: neo4j.auth.basic(user.name, 'wrong') }), false)
      assert.equal(await driver.verifyAuthentication(), true)
      assert.equal(await who(driver), 'neo4j')
    })

    test('a manager that gives another user: the one connection of the pool becomes theirs', async t => {
      const [one, other] = [await newUser(t), await newUser(t)]
      let now = one
      const manager = { getToken: () => now.token(), handleSecurityException: () => false }
      const driver = start(t, { token: manager, maxConnectionPoolSize: 1 })
      for (const next of [one, other, one]) {
        now = next
        assert.equal(await who(driver), next.name)
      }
    })
  })
