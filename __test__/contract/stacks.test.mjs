// The stack of an error names the function that waited for the work.
import assert from 'node:assert/strict'
import { boltServer, connect, Neo4jHA, test } from '../support/contract.mjs'
import { failure } from '../support/scripted-server.mjs'

const { resultTransformers } = Neo4jHA.driver

const bad = async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  server.on('BAD', failure('Neo.ClientError.Statement.SyntaxError', 'bad'))
  server.when('COMMIT', x => x.fail('Neo.ClientError.Schema.ConstraintValidationFailed', 'bad'))
  return connect(t, server.uri)
}

/** A promise that leads V8 nowhere: of code that was compiled for an older JavaScript. */
const detached = promise =>
  new Promise((resolve, reject) =>
    promise.then(
      value => resolve(value),
      error => reject(error)
    )
  )

const FORMS = {
  'run, awaited': driver =>
    async function caller() {
      await driver.session().run('BAD')
    },
  'run, with then': driver =>
    async function caller() {
      await driver
        .session()
        .run('BAD')
        .then(x => x)
    },
  'run, with catch': driver =>
    async function caller() {
      await driver
        .session()
        .run('BAD')
        .catch(error => {
          throw error
        })
    },
  'run, with finally': driver =>
    async function caller() {
      await driver
        .session()
        .run('BAD')
        .finally(() => {})
    },
  'keys()': driver =>
    async function caller() {
      await driver.session().run('BAD').keys()
    },
  'summary()': driver =>
    async function caller() {
      await driver.session().run('BAD').summary()
    },
  'for await': driver =>
    async function caller() {
      for await (const _ of driver.session().run('BAD'));
    },
  executeQuery: driver =>
    async function caller() {
      await driver.executeQuery('BAD')
    },
  'executeQuery with a ready-made transformer': driver =>
    async function caller() {
      await driver.executeQuery(
        'BAD',
        {},
        { resultTransformer: resultTransformers.mapped({ map: record => record }) }
      )
    },
  'executeQuery whose COMMIT fails': driver =>
    async function caller() {
      await driver.executeQuery('RETURN 1')
    },
  executeRead: driver =>
    async function caller() {
      await driver.session().executeRead(tx => tx.run('BAD'))
    },
  'executeRead of an async function': driver =>
    async function caller() {
      await driver.session().executeRead(async tx => {
        await tx.run('BAD')
      })
    },
  'executeWrite of a function that was compiled for an older JavaScript': driver =>
    async function caller() {
      await driver.session().executeWrite(tx => detached(tx.run('BAD')))
    },
  'executeWrite whose COMMIT fails': driver =>
    async function caller() {
      await driver.session().executeWrite(tx => tx.run('RETURN 1'))
    },
  'commit()': driver =>
    async function caller() {
      const transaction = await driver.session().beginTransaction()
      await transaction.commit()
    },
  'a query of a transaction': driver =>
    async function caller() {
      const transaction = await driver.session().beginTransaction()
      await transaction.run('BAD')
    }
}

for (const [what, form] of Object.entries(FORMS)) {
  test(`the stack of an error names the caller: ${what}`, async t => {
    const error = await form(await bad(t))().catch(error => error)
    assert.match(error.message, /bad/)
    assert.match(error.stack, /^ +at async caller \(.*stacks\.test\.mjs/m)
  })
}

test('the stack of a server that cannot be reached names the caller', async t => {
  const driver = connect(t, 'bolt://127.0.0.1:1')
  async function caller() {
    await driver.verifyConnectivity()
  }
  const error = await caller().catch(error => error)
  assert.match(error.stack, /^ +at async caller \(.*stacks\.test\.mjs/m)
})
