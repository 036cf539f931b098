#!/usr/bin/env node
// npm test: all the set-up, then every test of the project, in stages; closes with a line `N passed, N failed, N skipped`.
//
//   npm test                       all stages but those on demand
//   npm test -- unit contract      these alone
//   npm run test:libraries         the one on demand: other libraries on this driver
//
// It runs before `npm install`, so it and all it imports use nothing but Node itself.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { table } from '../lib/cli/table.js'
import { fail, UserError } from './lib/exec.mjs'
import { filesUnder } from './lib/fingerprint.mjs'
import { ROOT } from './lib/project.mjs'
import { downOwnedBy, fetch } from './servers/index.mjs'
import { setup } from './setup.mjs'
import { readCargoOutput, readNodeLines } from './test/results.mjs'
import { stages } from './test/stages.mjs'

/** A full run, from empty caches, ends within an hour: stages are cut off when this is used up. In ms. */
const BUDGET = 58 * 60_000

const began = Date.now()
const scratch = mkdtempSync(join(tmpdir(), 'neo4j-ha-test-'))
/** The runner of the stage under way. */
let running = null
let interrupted = false

async function main() {
  const wanted = process.argv.slice(2)
  const unknown = wanted.find(name => !stages.some(stage => stage.name === name))
  if (unknown) {
    throw new UserError(
      `there is no stage '${unknown}'; there are: ${stages.map(stage => stage.name).join(' ')}`
    )
  }
  const results = []
  const prepared = await attempt('set-up', () => setup())
  if (prepared) results.push(prepared)
  else {
    for (const stage of stages) {
      if (interrupted) break
      if (wanted.length === 0 ? !stage.onDemand : wanted.includes(stage.name))
        results.push(await runStage(stage))
    }
  }
  await cleanUp()
  report(results)
}

/** A result for work that is no test but may fail; null when it went well. */
async function attempt(name, work) {
  const start = Date.now()
  try {
    await work()
    return null
  } catch (error) {
    fail(error)
    return {
      name,
      passed: 0,
      failed: [`${name}: ${error.message.split('\n')[0]}`],
      skipped: [],
      ms: Date.now() - start
    }
  }
}

async function runStage(stage) {
  const start = Date.now()
  console.log(`\n=== ${stage.name} ===`)
  for (const name of stage.servers ?? []) {
    const onProgress = text => console.log(`servers: ${name}: ${text}`)
    const failed = await attempt(`${stage.name}: download of ${name}`, () => fetch(name, { onProgress }))
    if (failed) return { ...failed, name: stage.name }
  }
  if (stage.prepare) {
    const failed = await attempt(`${stage.name}: set-up`, stage.prepare)
    if (failed) return { ...failed, name: stage.name }
  }
  const { text, problem } = stage.folder ? await runNode(stage) : await runCargo(stage)
  const result = stage.folder ? readNodeLines(text) : readCargoOutput(text)
  const isExplained = result.failed.length > 0 && problem?.includes('exit code')
  if (problem && !isExplained) result.failed.push(`${stage.name}: ${problem}`)
  if (result.passed + result.failed.length === 0) result.failed.push(`${stage.name}: no test ran`)
  // what a file left running must not disturb the next stage
  const left = await downOwnedBy(process.pid)
  if (left.length > 0) console.log(`stopped: ${left.join(' ')}`)
  return { name: stage.name, ...result, ms: Date.now() - start }
}

async function runNode(stage) {
  const files = filesUnder(ROOT, [stage.folder]).filter(path => path.endsWith('.test.mjs'))
  if (files.length === 0) return { text: '', problem: `no *.test.mjs in ${stage.folder}` }
  const lines = join(scratch, `${stage.name}.jsonl`)
  const reporter = new URL('test/reporter.mjs', import.meta.url).href
  const options = [
    '--test',
    `--test-timeout=${stage.fileLimit}`,
    ...(stage.concurrency ? [`--test-concurrency=${stage.concurrency}`] : []),
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...[`--test-reporter=${reporter}`, `--test-reporter-destination=${lines}`]
  ]
  const problem = await runToEnd(process.execPath, [...options, ...files], stage.limit)
  return { text: existsSync(lines) ? readFileSync(lines, 'utf8') : '', problem }
}

async function runCargo(stage) {
  let text = ''
  const onOutput = part => {
    text += part
    process.stdout.write(part)
  }
  const problem = await runToEnd('cargo', stage.cargo, stage.limit, onOutput, stage.env)
  return { text, problem }
}

/**
 * Runs a program, its output shown (or given to `onOutput`), and kills it with all it started when its time is over.
 *
 * @returns {Promise<string | null>} what went wrong
 */
function runToEnd(command, args, limit, onOutput, more) {
  const left = Math.min(limit, Math.max(1_000, BUDGET - (Date.now() - began)))
  const env = {
    ...process.env,
    ...more,
    // servers that tests start carry the name of this run, and belong to it
    NEO4J_SERVERS_SESSION: `test-${process.pid}`,
    NEO4J_SERVERS_OWNER: String(process.pid)
  }
  delete env.NODE_TEST_CONTEXT
  return new Promise(resolve => {
    const output = onOutput ? 'pipe' : 'inherit'
    const detached = process.platform !== 'win32' // a process group of its own
    running = spawn(command, args, { cwd: ROOT, env, detached, stdio: ['ignore', output, 'inherit'] })
    running.stdout?.setEncoding('utf8').on('data', onOutput)
    let late = false
    const timer = setTimeout(() => {
      late = true
      stopRunning()
    }, left)
    const done = problem => {
      clearTimeout(timer)
      running = null
      resolve(problem)
    }
    running.once('error', error => done(`${command} could not be started: ${error.message}`))
    running.once('close', (code, signal) => {
      if (late) done(`stopped after ${Math.round(left / 1000)} s, its limit or all that was left`)
      else if (interrupted) done('interrupted')
      else done(code === 0 ? null : `${command} ended with ${signal ?? `exit code ${code}`}`)
    })
  })
}

function stopRunning() {
  if (!running?.pid) return
  try {
    process.kill(process.platform === 'win32' ? running.pid : -running.pid, 'SIGKILL')
  } catch {
    // it has just ended
  }
}

async function cleanUp() {
  await downOwnedBy(process.pid)
  rmSync(scratch, { recursive: true, force: true })
}

function report(results) {
  const rows = results.map(({ name, passed, failed, skipped, ms }) => {
    return [name, passed, failed.length, skipped.length, `${(ms / 1000).toFixed(1)} s`]
  })
  console.log(`\n${table(['stage', 'passed', 'failed', 'skipped', 'time'], rows)}`)
  const skipped = results.flatMap(result => result.skipped)
  if (skipped.length > 0)
    console.log(`\nskipped:\n${skipped.map(s => `- ${s.name}: ${s.reason}`).join('\n')}`)
  const failed = results.flatMap(result => result.failed)
  if (failed.length > 0) console.log(`\nfailed:\n${failed.map(name => `- ${name}`).join('\n')}`)
  if (interrupted) console.log('\ninterrupted: the stages after it did not run')
  const passed = results.reduce((n, result) => n + result.passed, 0)
  console.log(`\n${passed} passed, ${failed.length} failed, ${skipped.length} skipped`)
  process.exitCode = failed.length > 0 || interrupted || passed === 0 ? 1 : 0
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (interrupted) process.exit(1) // asked twice: at once, and what is left over is swept by the next start
    interrupted = true
    stopRunning()
  })
}

main().catch(async error => {
  await cleanUp()
  fail(error)
})
