import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

// Where code may not be compiled from text, closures do the same work: the same tests have to pass.
for (const name of ['encode', 'decode', 'record']) {
  it(`${name} works where code generation is forbidden`, async () => {
    const file = fileURLToPath(new URL(`${name}.test.mjs`, import.meta.url))
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const run = promisify(execFile)(process.execPath, ['--disallow-code-generation-from-strings', file], {
      env,
      maxBuffer: 1 << 26
    })
    const { stdout } = await run.catch(failed => failed)
    assert.match(stdout, /^# fail 0$/m, stdout.slice(-5000))
    assert.match(stdout, /^# pass [1-9]/m)
  })
}
