// disableAutoCommitRetries: a run that the server refused before it began is sent once more.
import assert from 'node:assert/strict'
import { ask, boltServer, column, connect, failing, test } from '../support/contract.mjs'
import { failure } from '../support/scripted-server.mjs'

const refusal = 'Neo.TransientError.General.AdmissionControl'
const idempotent = {
  diagnostic_record: { OPERATION: '', OPERATION_CODE: '0', CURRENT_SCHEMA: '/', _idempotent: true }
}

test('a run that the server refused before it began is sent once more; but not twice', async t => {
  const server = await boltServer(t, { versions: ['5.8'] })
  const driver = connect(t, server.uri)
  const rule = server.when('RUN', x => x.fail(refusal, 'too busy', idempotent)).times(1)
  assert.deepEqual(column(await ask(driver, 'RETURN 1')), [1])
  assert.equal(rule.hits, 1)
  server.when('RUN', x => x.fail(refusal, 'too busy', idempotent)).times(2)
  const from = server.received('RUN').length
  const error = await failing(ask(driver, 'CREATE (n)'))
  assert.equal(error.code, refusal)
  assert.equal(server.received('RUN').length - from, 2)
})

for (const [where, config, session] of [
  ['the driver', { disableAutoCommitRetries: true }, {}],
  ['the session', {}, { disableAutoCommitRetries: true }]
]) {
  test(`disableAutoCommitRetries of ${where}: it is not sent again`, async t => {
    const server = await boltServer(t, { versions: ['5.8'] })
    const driver = connect(t, server.uri, undefined, config)
    server.when('RUN', x => x.fail(refusal, 'too busy', idempotent)).times(1)
    assert.equal((await failing(ask(driver, 'CREATE (n)', session))).code, refusal)
    assert.equal(server.received('RUN').length, 1)
  })
}

test('disableAutoCommitRetries of the session wins over the one of the driver', async t => {
  const server = await boltServer(t, { versions: ['5.8'] })
  const driver = connect(t, server.uri, undefined, { disableAutoCommitRetries: true })
  server.when('RUN', x => x.fail(refusal, 'too busy', idempotent)).times(1)
  assert.deepEqual(column(await ask(driver, 'RETURN 1', { disableAutoCommitRetries: false })), [1])
})

test('a run that failed otherwise is not sent again by itself', async t => {
  const server = await boltServer(t, { versions: ['5.8'] })
  const driver = connect(t, server.uri)
  server.on('CREATE (n)', failure('Neo.ClientError.Schema.ConstraintValidationFailed', 'exists'))
  await failing(ask(driver, 'CREATE (n)'))
  assert.equal(server.received('RUN').length, 1)
})
