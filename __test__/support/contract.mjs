// What every contract test starts from: a test with an end, a scripted cluster, and a driver that closes after it.
import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { test as nodeTest } from 'node:test'
import { fileURLToPath } from 'node:url'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import { HaMember, scriptedCluster } from './ha-member.mjs'
import { scriptedRouting } from './scripted-routing.mjs'
import { ScriptedServer } from './scripted-server.mjs'
import { within } from './until.mjs'

export const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** A test that fails, rather than hangs, when the library does. */
export const test = (name, run, { timeout = 20_000 } = {}) => nodeTest(name, { timeout }, run)

/** A cluster that stops with the test. */
export const cluster = async (t, options) => {
  const started = await scriptedCluster(options)
  t.after(() => started.stop())
  return started
}

export const member = async (t, options) => {
  const started = await HaMember.start(options)
  t.after(() => started.stop())
  return started
}

export const boltServer = async (t, options) => {
  const started = await ScriptedServer.start(options)
  t.after(() => started.stop())
  return started
}

/** A cluster that hands out routing tables. */
export const routing = async (t, options) => {
  const started = await scriptedRouting(options)
  t.after(() => started.stop())
  return started
}

/** A driver of the namespace. It closes with the test, and in good time. */
export const connect = (t, uri, auth = undefined, config = {}) => {
  const driver = Neo4jHA.driver.driver(uri, auth, { connectionTimeout: 2000, ...config })
  t.after(() => within(driver.close(), 5000, 'driver.close()'))
  return driver
}

/** One query in a session of its own. */
export const ask = async (driver, query = 'RETURN 1', config = {}) => {
  const session = driver.session(config)
  try {
    return await session.run(query)
  } finally {
    await session.close()
  }
}

/** A driver with checks and retries short enough for a test. It closes with the test, and in good time. */
export const open = (t, servers, options = {}, ready = undefined) => {
  const { neo4jDriverOptions, ...rest } = options
  const driver = new Neo4jHA(
    servers,
    {
      checkInterval: 30,
      ...rest,
      neo4jDriverOptions: { maxTransactionRetryTime: 8000, connectionTimeout: 2000, ...neo4jDriverOptions }
    },
    ready
  )
  t.after(() => within(Promise.resolve(driver.close()), 5000, 'driver.close()'))
  return driver
}

/** The same, ready: the first check of all servers is over. */
export const ready = async (t, servers, options) => {
  const driver = open(t, servers, options)
  await within(Promise.resolve(driver.ready), 5000, 'driver.ready')
  return driver
}

/** How a promise ended: `{value}` or `{error}`. */
export const settle = promise =>
  Promise.resolve(promise).then(
    value => ({ value }),
    error => ({ error })
  )

/** The error a promise ends with; fails when it does not. */
export const failing = async promise => {
  const { value, error } = await settle(promise)
  if (error === undefined) throw new Error(`an error was expected, and came: ${JSON.stringify(value)}`)
  return error
}

/** Everything that is warned of while the test runs, on the console or as a warning of the process. */
export const warnings = t => {
  const seen = []
  t.mock.method(console, 'warn', (...words) => {
    seen.push(words.join(' '))
  })
  const listener = ({ name, message }) => {
    if (name === 'Neo4jHAWarning') seen.push(message)
  }
  process.on('warning', listener)
  t.after(() => process.off('warning', listener))
  return seen
}

/** The values of a result's only column. */
export const column = result => result.records.map(record => Number(record.get(0)))

/**
 * Runs an ES module in a process of its own, with `input` as its global `input`. Gives `{code, signal, stdout, stderr}`.
 */
export const program = (source, { input = {}, env = {}, deadline = 15_000 } = {}) =>
  new Promise((resolve, reject) => {
    const code = `const input = ${JSON.stringify(input)};\n${source}`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      cwd: project,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', text => {
      stdout += text
    })
    child.stderr.on('data', text => {
      stderr += text
    })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`the program did not end within ${deadline} ms\n${stdout}\n${stderr}`))
    }, deadline)
    child.on('close', (exit, signal) => {
      clearTimeout(timer)
      resolve({ code: exit, signal, stdout, stderr })
    })
  })

export { Neo4jHA }
