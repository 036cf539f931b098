// The quick example of 1.2.3's README, on a real HA cluster: unchanged but for ports and password, the `require` line
// that it leaves out, and the bracket that it forgot to close.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe } from 'node:test'
import { project } from '../../support/contract.mjs'
import { test } from '../support.mjs'

const SNIPPET = `
const servers = [
    ['http://127.0.0.1:7474', 'bolt://127.0.0.1:7687'],
    ['http://127.0.0.1:7475', 'bolt://127.0.0.1:7688']
];

const auth = { user: 'neo4j', pass: 'password' };
const strategy = Neo4jHA.HAStrategies.roundRobin;
const rwConfig = Neo4jHA.HAReadWrite.masterReadWriteSlaveRead;
const checkInterval = 500;

console.log('connecting...');
const driver = new Neo4jHA(servers, { auth, strategy, rwConfig, checkInterval }, () => {
    console.log('ready');
    let session;

    // we get a session and we tell the driver that we will berform at least one write
    // the strategy is Round Robin but because we want to write
    // and the read/write config is set to masterReadWriteSlaveRead (only master can write)
    // this means that it will get a session to the master
    session = driver.session(true);

    // don't forget to close sessions when you're done with them
    session.close();

    // now we request a read-only  session, so all servers are eligible for conenctions
    // the first server in the list is chosen
    session = driver.session(false);
    session.close();

    // requesting another read-only session will choose the second server
    // because of the Round Robin
    session = driver.session();
    session.close();
})

// when you are done with the driver, just close it
driver.close();
`

/** What is warned of on top of what the program says: its status URLs are plain http, and it has a password. */
const WARNED =
  /^\(node:\d+\) Neo4jHAWarning: The checks send credentials over plain http, .*\n\(Use `node --trace-warnings .*\n/

/** Runs a program of CommonJS to its end. @returns {Promise<{ code, signal, stdout, stderr }>} */
const run = source =>
  new Promise((resolve, reject) => {
    const args = [
      '--input-type=commonjs',
      '-e',
      `const Neo4jHA = require('neo4j-ha-bolt-driver');\n${source}`
    ]
    const child = spawn(process.execPath, args, { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`it did not end by itself; it said:\n${out.stdout}\n${out.stderr}`))
    }, 20_000)
    const out = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', text => {
        out[name] += text
      })
    }
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      out.stderr = out.stderr.replace(WARNED, '')
      resolve({ code, signal, ...out })
    })
  })

export const originalSnippetSuite = set =>
  describe("the quick example of the original's README", () => {
    /** For this cluster: the master, and the first of its slaves. */
    const here = source => {
      const { auth, members } = set.cluster
      const [first, second] = members.toSorted(
        (a, b) => (a.role === 'master' ? -1 : 0) - (b.role === 'master' ? -1 : 0)
      )
      const texts = {
        'http://127.0.0.1:7474': first.http,
        'bolt://127.0.0.1:7687': first.bolt,
        'http://127.0.0.1:7475': second.http,
        'bolt://127.0.0.1:7688': second.bolt,
        "'password'": `'${auth.pass}'`
      }
      return Object.entries(texts).reduce((text, [old, now]) => text.replace(old, now), source)
    }

    const closing = 'driver.close();'
    const untilDone = SNIPPET.replace(closing, '').replace(/\}\)(?=\s*\/\/ when)/, `    ${closing}\n})`)

    test('runs as it stands, and ends by itself', async () => {
      assert.deepEqual(await run(here(SNIPPET)), {
        code: 0,
        signal: null,
        stdout: 'connecting...\n',
        stderr: ''
      })
    })

    test('closed when it is done, as its comment says, it gets ready, and ends by itself', async () => {
      const { stdout, ...end } = await run(here(untilDone))
      assert.equal(stdout, 'connecting...\nready\n')
      assert.deepEqual(end, { code: 0, signal: null, stderr: '' })
    })

    test('its sessions reach the servers that its comments name', async () => {
      const who = "CALL dbms.listConfig('bolt.listen_address') YIELD value RETURN value"
      // each session says who serves it before it is closed; the driver closes when all have
      let n = 0
      const asking = untilDone
        .replace(
          `    ${closing}\n`,
          `    Promise.all(said).then(all => { console.log(all.join(' ')); ${closing} });\n`
        )
        .replace('let session;', 'let session; const said = [];')
        .replaceAll('session.close();', () => {
          n++
          return `said.push(session.run("${who}").then(r => r.records[0].get(0))); session.close();`
        })
      assert.equal(n, 3)
      const { stdout, ...end } = await run(here(asking))
      const { members } = set.cluster
      const master = members.find(member => member.role === 'master').bolt
      const slave = members.find(member => member.role === 'slave').bolt
      const words = [master, master, slave].map(uri => uri.replace('bolt://', ''))
      assert.equal(stdout, `connecting...\nready\n${words.join(' ')}\n`)
      assert.deepEqual(end, { code: 0, signal: null, stderr: '' })
    })

    test('not closed at all, an idle driver does not keep the process alive', async () => {
      const { stdout, ...end } = await run(here(SNIPPET.replace(closing, '')))
      assert.deepEqual(end, { code: 0, signal: null, stderr: '' })
      assert.ok(stdout.startsWith('connecting...\n'))
    })
  })
